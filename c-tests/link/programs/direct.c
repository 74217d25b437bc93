/* An application that calls one of the functions itself. NULL is refused before anything of the host is touched. */
int pjsip_auth_clt_init(void *sess, void *endpt, void *pool, unsigned options);

int main(void)
{
    return pjsip_auth_clt_init(0, 0, 0, 0) == 0;
}
