/* Stands in for libpjsua: the archive between the application and PJSIP. */
int pjsip_auth_clt_init(void);
void (*caller_entry(void))(void);

void (*caller_entry(void))(void)
{
    return (void (*)(void))pjsip_auth_clt_init;
}
