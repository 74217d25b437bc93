// pjauth::challenge: who owns a challenge, and what becomes of it.
#include "rig.hpp"

#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;
using pjauth::challenge;

static_assert(!std::is_copy_constructible_v<challenge>);
static_assert(!std::is_copy_assignable_v<challenge>);
static_assert(std::is_nothrow_move_constructible_v<challenge>);
static_assert(std::is_nothrow_move_assignable_v<challenge>);
static_assert(!std::is_convertible_v<pjauth::status, bool>);

namespace {

// The status of an answer, and who has the request afterwards.
pj_status_t answer_with(rig &r, challenge &c, bool expect_taken)
{
    pjsip_tx_data *request = r.answer();
    const long before = r.request_refs();
    // What a live token holds of the request goes as well.
    const long token_refs = c.is_live() ? 1 : 0;
    const pjauth::status status = c.answer(request);
    CHECK(r.request_refs() == before - (expect_taken ? 1 + token_refs : 0));
    if (!expect_taken)
        pjsip_tx_data_dec_ref(request);
    return status.value();
}

void expect_empty(const challenge &c)
{
    CHECK(c.token() == nullptr);
    CHECK(c.session() == nullptr);
    CHECK(!c.is_live());
    CHECK(!c.info());
}

void answers()
{
    rig r;
    challenge c = r.offer();
    CHECK(r.offered == PJ_SUCCESS);
    CHECK(c.session() == &r.sess);
    CHECK(c.is_live());
    CHECK(answer_with(r, c, true) == PJ_SUCCESS);
    expect_empty(c);
    CHECK(r.sent == 1);
    CHECK(r.abandoned == 0);
    CHECK(r.lock_refs() == 0);
}

void answers_twice()
{
    rig r;
    challenge c = r.offer();
    challenge same(c.session(), c.token());
    CHECK(answer_with(r, c, true) == PJ_SUCCESS);
    CHECK(answer_with(r, c, false) == PJ_EINVAL);    // empty
    CHECK(answer_with(r, same, false) == PJ_EINVAL); // dead
    CHECK(r.sent == 1);
}

void failing_send_uses_it_up()
{
    rig r;
    challenge c = r.offer();
    r.send_status = PJSIP_EBUSY;
    CHECK(answer_with(r, c, true) == PJSIP_EBUSY);
    expect_empty(c);
    CHECK(r.sent == 1);
}

void destruction_abandons_once()
{
    rig r;
    {
        challenge c = r.offer();
        CHECK(r.abandoned == 0);
    }
    CHECK(r.abandoned == 1);
    CHECK(r.lock_refs() == 0);
    CHECK(r.request_refs() == 0);
}

void abandons_by_hand()
{
    rig r;
    {
        challenge c = r.offer();
        CHECK(c.abandon().ok());
        expect_empty(c);
        CHECK(c.abandon().value() == PJ_EINVAL);
        c.reset();
    }
    CHECK(r.abandoned == 1);
}

void moves()
{
    rig r;
    {
        challenge first = r.offer();
        void *token = first.token();
        challenge second(std::move(first));
        expect_empty(first);
        CHECK(second.token() == token);
        first = std::move(second);
        expect_empty(second);
        CHECK(first.token() == token);
        CHECK(r.abandoned == 0);
    }
    CHECK(r.abandoned == 1);
}

void moving_to_itself_keeps_it()
{
    rig r;
    challenge c = r.offer();
    challenge &alias = c;
    c = std::move(alias);
    CHECK(c.is_live());
    CHECK(r.abandoned == 0);
    CHECK(answer_with(r, c, true) == PJ_SUCCESS);
}

void move_assignment_abandons_the_old()
{
    rig r;
    challenge one = r.offer();
    challenge two = r.offer();
    void *token = two.token();
    one = std::move(two);
    CHECK(r.abandoned == 1);
    CHECK(one.token() == token);
    CHECK(one.is_live());
    one = challenge();
    CHECK(r.abandoned == 2);
    expect_empty(one);
}

void released_is_not_abandoned()
{
    rig r;
    void *token = nullptr;
    {
        challenge c = r.offer();
        token = c.release();
        expect_empty(c);
        CHECK(c.release() == nullptr);
    }
    CHECK(r.abandoned == 0);
    CHECK(pjauth_challenge_is_live(token));
    CHECK(pjsip_auth_clt_async_abandon(&r.sess, token) == PJ_SUCCESS);
    CHECK(r.abandoned == 1);
}

struct errand {
    rig *r;
    challenge c;
    pj_status_t status;
};

int answer_there(void *data)
{
    errand *e = static_cast<errand *>(data);
    challenge c = std::move(e->c);
    e->status = c.answer(e->r->answer()).value();
    return 0;
}

int drop_there(void *data)
{
    challenge dropped = std::move(static_cast<errand *>(data)->c);
    return 0;
}

void on_other_threads()
{
    rig r;
    errand e{&r, r.offer(), -1};
    on_another_thread(r.pool, &answer_there, &e);
    CHECK(e.status == PJ_SUCCESS);
    CHECK(r.sent == 1);
    expect_empty(e.c);
    e.c = r.offer();
    on_another_thread(r.pool, &drop_there, &e);
    CHECK(r.abandoned == 1);
}

void refused_calls_leave_it_owned()
{
    rig r;
    pjsip_auth_clt_sess other{};
    CHECK(pjsip_auth_clt_init(&other, r.sess.endpt, r.pool, 0) == PJ_SUCCESS);
    challenge c = r.offer();
    CHECK(c.answer(nullptr).value() == PJ_EINVAL);
    CHECK(c.is_live());
    // A session that nobody configured.
    challenge by_other(&other, c.release());
    CHECK(answer_with(r, by_other, false) == PJ_EINVALIDOP);
    CHECK(by_other.is_live());
    CHECK(by_other.session() == &other);
    CHECK(by_other.abandon().ok());
    CHECK(r.sent == 0);
    CHECK(r.abandoned == 1);
    pjsip_auth_clt_deinit(&other);
}

// The application's callbacks destroy the owner in the middle of its own call.
void destroyed_in_its_own_call()
{
    rig r;
    auto c = std::make_unique<challenge>(r.offer());
    r.victim = &c;
    CHECK(c->answer(r.answer()).ok());
    CHECK(!c);
    CHECK(r.sent == 1);
    c = std::make_unique<challenge>(r.offer());
    CHECK(c->abandon().ok());
    CHECK(!c);
    CHECK(r.abandoned == 1);
    r.victim = nullptr;
}

void declined_needs_no_owner()
{
    rig r;
    challenge c = r.offer(false);
    CHECK(r.offered == PJ_EIGNORED);
    expect_empty(c);
    CHECK(r.abandoned == 0);
}

void dropped_inside_is_taken()
{
    rig r;
    r.drop_inside = true;
    challenge c = r.offer();
    CHECK(r.offered == PJ_SUCCESS);
    CHECK(r.abandoned == 1);
    expect_empty(c);
}

void outlives_its_session()
{
    rig r;
    challenge c = r.offer();
    pjsip_tx_data *request = r.answer();
    const auto refused = pjauth::stats().refused;
    CHECK(pjsip_auth_clt_deinit(&r.sess) == PJ_SUCCESS);
    std::memset(&r.sess, 0, sizeof(r.sess));
    CHECK(!c.is_live());
    CHECK(c.set_deadline(1s).value() == PJ_EINVAL);
    const long before = r.request_refs();
    CHECK(c.answer(request).value() == PJ_EINVAL);
    CHECK(r.request_refs() == before);
    pjsip_tx_data_dec_ref(request);
    CHECK(r.sent == 0);
    CHECK(r.abandoned == 0);
    CHECK(pjauth::stats().refused == refused + 1);
}

void deadline_ends_it()
{
    rig r;
    const auto before = pjauth::stats();
    {
        challenge c = r.offer();
        CHECK(c.set_deadline(0ms).ok());
        CHECK(rig::until(r.abandoned, 1));
        CHECK(!c.is_live());
        CHECK(c.token() != nullptr);
    }
    const auto after = pjauth::stats();
    CHECK(r.abandoned == 1);
    CHECK(after.expired == before.expired + 1);
    CHECK(after.refused == before.refused); // destroying a dead one is no misuse
}

void deadlines_are_kept()
{
    rig r;
    challenge c = r.offer();
    CHECK(c.info() && c.info()->expires_msec == -1);
    CHECK(c.set_deadline(24h).ok());
    CHECK(c.info() && c.info()->expires_msec > 0);
    CHECK(c.set_deadline(std::chrono::milliseconds::max()).ok());
    CHECK(c.info() && c.info()->expires_msec > 86400000);
    CHECK(c.clear_deadline().ok());
    CHECK(c.info() && c.info()->expires_msec == -1);
}

void lists_what_is_outstanding()
{
    rig r;
    challenge kept[3];
    CHECK(pjauth::challenges(&r.sess).empty());
    for (challenge &c : kept)
        c = r.offer();
    const auto found = pjauth::challenges(&r.sess);
    CHECK(found.size() == 3);
    for (const pjauth::challenge_info &info : found) {
        int known = 0;
        for (challenge &c : kept)
            known += c.token() == info.token;
        CHECK(known == 1);
        CHECK(info.status_code == 401);
        CHECK(std::strcmp(info.realm, "pjauth.test") == 0);
    }
    kept[0].reset();
    CHECK(pjauth::challenges().size() == 2);
    CHECK(pjauth::stats().outstanding == 2);
}

void statuses()
{
    const pjauth::status fine, bad(PJ_EINVAL);
    CHECK(fine && fine.ok() && fine.value() == PJ_SUCCESS);
    CHECK(!bad && !bad.ok() && bad.value() == PJ_EINVAL);
    CHECK(bad == pjauth::status(PJ_EINVAL) && bad != fine);
    CHECK(std::strstr(bad.message().c_str(), "PJ_EINVAL") != nullptr);
    CHECK(std::strcmp(pjauth::version(), pjauth_version()) == 0);
}

const test_case cases[] = {
    {"answers", answers},
    {"answers_twice", answers_twice},
    {"failing_send_uses_it_up", failing_send_uses_it_up},
    {"destruction_abandons_once", destruction_abandons_once},
    {"abandons_by_hand", abandons_by_hand},
    {"moves", moves},
    {"moving_to_itself_keeps_it", moving_to_itself_keeps_it},
    {"move_assignment_abandons_the_old", move_assignment_abandons_the_old},
    {"released_is_not_abandoned", released_is_not_abandoned},
    {"on_other_threads", on_other_threads},
    {"refused_calls_leave_it_owned", refused_calls_leave_it_owned},
    {"destroyed_in_its_own_call", destroyed_in_its_own_call},
    {"declined_needs_no_owner", declined_needs_no_owner},
    {"dropped_inside_is_taken", dropped_inside_is_taken},
    {"outlives_its_session", outlives_its_session},
    {"deadline_ends_it", deadline_ends_it},
    {"deadlines_are_kept", deadlines_are_kept},
    {"lists_what_is_outstanding", lists_what_is_outstanding},
    {"statuses", statuses},
};

} // namespace

int main()
{
    return run_all(cases, static_cast<int>(sizeof(cases) / sizeof(*cases)));
}
