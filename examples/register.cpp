// Registers with a SIP registrar whose password only a vault knows, in C++17 with pjauth.hpp.
//
//     register HOST:PORT USER PASSWORD
//
// The SIP thread hands each 401 to the vault's thread as a value, moved from one owner to the next. Who has it last and
// does not answer has given it up: a registration that nobody answers ends, whatever way the program takes.
//
// Exits with 0 if one registration was answered and another given up.
#include <pjauth.hpp>

#include <pjlib-util.h>
#include <pjlib.h>
#include <pjsip.h>
#include <pjsip_ua.h>

#include <arpa/inet.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace {

pjsip_endpoint* endpt;

pj_str_t str(const std::string& text)
{
    return pj_str_t{const_cast<char*>(text.data()), static_cast<pj_ssize_t>(text.size())};
}

void must(const char* what, pj_status_t status)
{
    const pjauth::status found(status);
    if (found.ok())
        return;
    std::fprintf(stderr, "%s: %s\n", what, found.message().c_str());
    std::exit(2);
}

// What an answer is made of besides the challenge: a copy of the response, and a reference of the request.
struct Release {
    void operator()(pjsip_rx_data* response) const { pjsip_rx_data_free_cloned(response); }
    void operator()(pjsip_tx_data* request) const { pjsip_tx_data_dec_ref(request); }
    void operator()(pjsip_regc* registration) const { pjsip_regc_destroy(registration); }
    void operator()(pj_pool_t* pool) const { pjsip_endpt_release_pool(endpt, pool); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;

struct Question {
    pjauth::challenge challenge;
    Owned<pjsip_rx_data> response;
    Owned<pjsip_tx_data> request;
};

/// Knows one user's password, and takes its time. Its session is its own: that of the registration may be gone by the
/// time the answer is made, and never sees the password.
class Vault {
public:
    Vault(std::string user, std::string password)
        : user_(std::move(user)), password_(std::move(password)), thread_([this] { serve(); })
    {
    }

    /// What was not answered by now is given up, by the owners' destructors.
    ~Vault()
    {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            is_closing_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    void ask(Question question)
    {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            questions_.push_back(std::move(question));
        }
        changed_.notify_one();
    }

private:
    void serve()
    {
        pj_thread_desc desc = {};
        pj_thread_t* thread = nullptr;
        must("the vault's thread", pj_thread_register("vault", desc, &thread));
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return is_closing_ || !questions_.empty(); });
            if (is_closing_)
                break;
            Question question = std::move(questions_.front());
            questions_.pop_front();
            lock.unlock();
            std::this_thread::sleep_for(std::chrono::milliseconds(300));
            answer(std::move(question));
            lock.lock();
        }
        // With nothing locked: what ends here calls back.
        std::deque<Question> unanswered = std::move(questions_);
        lock.unlock();
    }

    void answer(Question question) const
    {
        const Owned<pj_pool_t> pool(pjsip_endpt_create_pool(endpt, "vault", 4000, 4000));
        pjsip_auth_clt_sess own = {};
        pjsip_cred_info secret = {};
        pjsip_tx_data* made = nullptr;

        secret.realm = pj_str(const_cast<char*>("*"));
        secret.scheme = pj_str(const_cast<char*>("digest"));
        secret.username = str(user_);
        secret.data_type = PJSIP_CRED_DATA_PLAIN_PASSWD;
        secret.data = str(password_);
        must("the vault's session", pjsip_auth_clt_init(&own, endpt, pool.get(), 0));
        must("its credential", pjsip_auth_clt_set_credentials(&own, 1, &secret));
        const pj_status_t status =
            pjsip_auth_clt_reinit_req(&own, question.response.get(), question.request.get(), &made);
        pjsip_auth_clt_deinit(&own);
        if (status != PJ_SUCCESS)
            return; // the challenge's owner ends here, and with it the registration
        const pjauth::status sent = question.challenge.answer(made);
        if (sent.value() == PJ_EINVAL)
            pjsip_tx_data_dec_ref(made); // the registration is gone; the answer is still ours
        std::printf("vault: answered, %s\n", sent.message().c_str());
    }

    const std::string user_, password_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Question> questions_;
    bool is_closing_ = false;
    std::thread thread_;
};

/// One registration, from REGISTER to its end.
class Registration {
public:
    /// `vault` may be null: nobody answers then.
    Registration(const std::string& registrar, const std::string& user, Vault* vault) : vault_(vault)
    {
        const std::string server = "sip:" + registrar, aor = "<sip:" + user + "@" + registrar + ">",
                          contact = "<sip:" + user + "@127.0.0.1>";
        pj_str_t server_str = str(server), aor_str = str(aor), contact_str = str(contact);
        pjsip_regc* made = nullptr;
        pjsip_auth_clt_async_setting setting = {};
        pjsip_tx_data* request = nullptr;

        setting.cb = &Registration::on_challenge;
        setting.user_data = this;
        must("regc", pjsip_regc_create(endpt, this, &Registration::on_end, &made));
        regc_.reset(made);
        must("regc", pjsip_regc_init(made, &server_str, &aor_str, &aor_str, 1, &contact_str, 300));
        must("async", pjsip_auth_clt_async_configure(pjsip_regc_get_auth_sess(made), &setting));
        must("REGISTER", pjsip_regc_register(made, PJ_FALSE, &request));
        must("REGISTER", pjsip_regc_send(made, request));
    }

    /// Serves PJSIP until it has ended, for 20 s at most.
    void wait() const
    {
        const pj_time_val step = {0, 10};
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!has_ended_ && std::chrono::steady_clock::now() < end)
            pjsip_endpt_handle_events(endpt, &step);
    }

    bool is_registered() const { return has_ended_ && status_ == PJ_SUCCESS && code_ == 200; }
    bool was_given_up() const { return has_ended_ && status_ == PJ_ECANCELLED; }

private:
    static pj_bool_t on_challenge(pjsip_auth_clt_sess* sess, void* token,
                                  const pjsip_auth_clt_async_on_chal_param* param)
    {
        auto& self = *static_cast<Registration*>(param->user_data);
        pjsip_rx_data* response = nullptr;

        if (self.is_challenged_)
            return PJ_FALSE; // the answer was wrong: PJSIP ends it
        if (pjsip_rx_data_clone(param->rdata, 0, &response) != PJ_SUCCESS)
            return PJ_FALSE;
        self.is_challenged_ = true;
        pjsip_tx_data_add_ref(param->tdata);
        Question question{pjauth::challenge(sess, token), Owned<pjsip_rx_data>(response),
                          Owned<pjsip_tx_data>(param->tdata)};
        if (const auto info = question.challenge.info())
            std::printf("SIP:   %u, realm %s\n", info->status_code, info->realm);
        if (self.vault_)
            self.vault_->ask(std::move(question));
        return PJ_TRUE; // without a vault the challenge's owner ends here
    }

    static void on_end(pjsip_regc_cbparam* param)
    {
        auto& self = *static_cast<Registration*>(param->token);
        self.status_ = param->status;
        self.code_ = param->code;
        self.has_ended_ = true;
        std::printf("SIP:   ended with %d: %s\n", self.code_, pjauth::status(self.status_).message().c_str());
    }

    Vault* vault_;
    Owned<pjsip_regc> regc_;
    bool is_challenged_ = false, has_ended_ = false;
    pj_status_t status_ = PJ_SUCCESS;
    int code_ = 0;
};

/// PJLIB and an endpoint with a UDP transport on loopback.
class Endpoint {
public:
    Endpoint()
    {
        must("pj_init", pj_init());
        must("pjlib-util", pjlib_util_init());
        pj_log_set_level(1);
#ifndef WITHOUT_PJSIP_HEADERS
        pjauth_layout layout = PJAUTH_LAYOUT;
        must("pjauth was built for another pjproject", pjauth_check_layout(&layout, sizeof(layout)));
#endif
        pj_caching_pool_init(&pools_, nullptr, 0);
        must("endpoint", pjsip_endpt_create(&pools_.factory, "register", &endpt));
        must("transactions", pjsip_tsx_layer_init_module(endpt));
        pj_sockaddr_in local = {};
        local.sin_family = AF_INET;
        local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        must("UDP", pjsip_udp_transport_start(endpt, &local, nullptr, 1, nullptr));
    }

    ~Endpoint()
    {
        pjsip_endpt_destroy(endpt);
        pj_caching_pool_destroy(&pools_);
        pj_shutdown();
    }

private:
    pj_caching_pool pools_;
};

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s HOST:PORT USER PASSWORD\n", argv[0]);
        return 2;
    }
    const std::string registrar = argv[1], user = argv[2];
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const Endpoint endpoint;
    std::printf("pjauth %s in pjproject %s\n", pjauth::version(), pj_get_version());

    Vault vault(user, argv[3]);
    const Registration answered(registrar, user, &vault);
    answered.wait();
    const Registration given_up(registrar, user, nullptr);
    given_up.wait();

    const pjauth::sip_stats stats = pjauth::stats();
    std::printf("tokens: %u lent, %u sent, %u given up, %u outstanding\n", static_cast<unsigned>(stats.minted),
                static_cast<unsigned>(stats.sent), static_cast<unsigned>(stats.abandoned),
                static_cast<unsigned>(stats.outstanding));
    return answered.is_registered() && given_up.was_given_up() && stats.outstanding == 0 ? 0 : 1;
}
