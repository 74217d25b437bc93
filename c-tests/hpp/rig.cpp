#include "rig.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

pj_caching_pool factory;
pjsip_endpoint *endpt;
bool failed;

pj_str_t text(const char *chars)
{
    return pj_str(const_cast<char *>(chars));
}

void must(pj_status_t status, const char *what)
{
    if (status == PJ_SUCCESS)
        return;
    std::fprintf(stderr, "cannot start: %s (%d)\n", what, status);
    std::exit(2);
}

const char unauthorized[] =
    "SIP/2.0 401 Unauthorized\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
    "From: <sip:alice@127.0.0.1>;tag=a\r\n"
    "To: <sip:alice@127.0.0.1>;tag=b\r\n"
    "Call-ID: rig\r\n"
    "CSeq: 1 REGISTER\r\n"
    "WWW-Authenticate: Digest realm=\"pjauth.test\", nonce=\"n\", "
    "algorithm=SHA-256, qop=\"auth\"\r\n"
    "Content-Length: 0\r\n\r\n";

} // namespace

void fail(const char *file, int line, const char *what)
{
    failed = true;
    std::printf("# %s:%d: %s\n", file, line, what);
}

int run_all(const test_case *cases, int count)
{
    int failures = 0;

    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    pj_log_set_level(0);
    must(pj_init(), "pj_init");
    must(pjlib_util_init(), "pjlib_util_init");
    // Nothing is cached: a released pool is freed memory, for valgrind.
    pj_caching_pool_init(&factory, nullptr, 0);
    must(pjsip_endpt_create(&factory.factory, "rig", &endpt), "endpoint");
    for (int i = 0; i < count; ++i) {
        const pj_size_t pools = factory.used_count;
        failed = false;
        cases[i].run();
        CHECK(factory.used_count == pools);
        std::printf("%s %s\n", failed ? "FAIL" : "ok", cases[i].name);
        failures += failed;
    }
    pjsip_endpt_destroy(endpt);
    pj_caching_pool_destroy(&factory);
    pj_shutdown();
    std::printf("%d passed, %d failed\n", count - failures, failures);
    return failures != 0;
}

rig::rig()
{
    const pj_str_t target = text("sip:127.0.0.1");
    const pj_str_t aor = text("<sip:alice@127.0.0.1>");
    pjsip_auth_clt_async_setting setting{&on_challenge, this};

    pool = pjsip_endpt_create_pool(endpt, "rig", 4000, 4000);
    must(pjsip_endpt_create_request(endpt, &pjsip_register_method, &target, &aor,
                                    &aor, nullptr, nullptr, 1, nullptr, &request_),
         "request");
    char *message = static_cast<char *>(pj_pool_alloc(pool, sizeof(unauthorized)));
    std::memcpy(message, unauthorized, sizeof(unauthorized));
    response_.tp_info.pool = pool;
    response_.msg_info.msg =
        pjsip_parse_msg(pool, message, sizeof(unauthorized) - 1, nullptr);
    must(response_.msg_info.msg ? PJ_SUCCESS : PJ_EINVAL, "response");
    must(pj_grp_lock_create(pool, nullptr, &lock_), "group lock");
    pj_grp_lock_add_ref(lock_);
    must(pjsip_auth_clt_init(&sess, endpt, pool, 0), "session");
    must(pjsip_auth_clt_async_configure(&sess, &setting), "configure");
}

rig::~rig()
{
    if (sess.endpt)
        pjsip_auth_clt_deinit(&sess);
    CHECK(request_refs() == 0);
    CHECK(lock_refs() == 0);
    pj_grp_lock_dec_ref(lock_);
    pjsip_tx_data_dec_ref(request_);
    pjsip_endpt_release_pool(endpt, pool);
}

pjauth::challenge rig::offer(bool accept)
{
    pjsip_auth_clt_async_on_chal_param param{};

    accept_ = accept;
    token_.user_data = this;
    token_.send_impl = &send;
    token_.abandon_impl = &abandon;
    token_.grp_lock = lock_;
    param.tdata = request_;
    param.rdata = &response_;
    pj_grp_lock_add_ref(lock_);
    offered = pjsip_auth_clt_async_impl_on_challenge(&sess, &token_, &param);
    if (offered != PJ_SUCCESS)
        pj_grp_lock_dec_ref(lock_);
    return std::move(owner_);
}

pjsip_tx_data *rig::answer()
{
    // pjsip_auth_clt_reinit_req() gives the same request with one more reference.
    pjsip_tx_data_add_ref(request_);
    return request_;
}

long rig::request_refs() const
{
    return pj_atomic_get(request_->ref_cnt) - 1;
}

long rig::lock_refs() const
{
    return pj_grp_lock_get_ref(lock_) - 1;
}

bool rig::until(const int &flag, int count)
{
    const pj_time_val step = {0, 10};
    for (int i = 0; i < 500 && flag < count; ++i)
        pjsip_endpt_handle_events(endpt, &step);
    return flag >= count;
}

pj_bool_t rig::on_challenge(pjsip_auth_clt_sess *sess, void *token,
                            const pjsip_auth_clt_async_on_chal_param *param)
{
    rig *self = static_cast<rig *>(param->user_data);
    if (self->drop_inside) {
        pjauth::challenge dropped(sess, token);
        return PJ_FALSE;
    }
    if (!self->accept_)
        return PJ_FALSE;
    self->owner_ = pjauth::challenge(sess, token);
    return PJ_TRUE;
}

pj_status_t rig::send(pjsip_auth_clt_sess *, void *data, pjsip_tx_data *request)
{
    rig *self = static_cast<rig *>(data);
    ++self->sent;
    if (self->victim)
        self->victim->reset();
    pjsip_tx_data_dec_ref(request);
    return self->send_status;
}

void rig::abandon(pjsip_auth_clt_sess *, void *data)
{
    rig *self = static_cast<rig *>(data);
    ++self->abandoned;
    if (self->victim)
        self->victim->reset();
}

void on_another_thread(pj_pool_t *pool, int (*work)(void *), void *data)
{
    pj_thread_t *thread = nullptr;
    CHECK(pj_thread_create(pool, "other", work, data, 0, 0, &thread) == PJ_SUCCESS);
    pj_thread_join(thread);
    pj_thread_destroy(thread);
}
