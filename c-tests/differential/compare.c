#include "compare.h"
#include "judge.h"
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIELDS = 11, POOL_SIZE = 16 * 1024 };

struct tally tally;

struct match {
    struct difference d; /* what is the same for all differences of a step */
    struct player stock, ours;
    struct outcome by_stock, by_ours;
    struct response responses[MAX_STEPS];
    /* Per challenge of ours: the last count under a nonce. */
    struct count {
        const pjsip_www_authenticate_hdr *challenge;
        unsigned long value;
    } counts[2 * MAX_STEPS * MAX_CHALLENGES];
    unsigned count_count;
    /* Those of ours that have been answered. */
    const pjsip_www_authenticate_hdr *answered[MAX_STEPS * MAX_CHALLENGES];
    unsigned answered_count;
    int ok, apart, differed;
};

static const char *const field_names[FIELDS] = {
    "scheme", "username", "realm", "nonce", "uri",     "algorithm",
    "opaque", "qop",      "nc",    "cnonce", "response"};

static pj_str_t field(const pjsip_authorization_hdr *answer, int index)
{
    const pjsip_digest_credential *d = &answer->credential.digest;
    const pj_str_t fields[FIELDS] = {
        answer->scheme, d->username, d->realm, d->nonce,  d->uri,     d->algorithm,
        d->opaque,      d->qop,      d->nc,    d->cnonce, d->response};
    return fields[index];
}

static void show(const char *side, const pjsip_authorization_hdr *answer)
{
    char text[8192];
    int length;

    printf("#   %-6s ", side);
    length = answer ? pjsip_hdr_print_on((void *)answer, text, sizeof(text))
                    : 0;
    printf("%.*s\n", length > 0 ? length : 0, text);
}

static void complain(struct match *m, const char *format, ...)
{
    va_list args;

    if (m->ok)
        print_scenario(m->d.scenario);
    m->ok = 0;
    printf("# step %u: ", m->d.response_count);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* Finds the rule for m->d, whose kind, field and answers are set. */
static void differ(struct match *m, enum kind kind, const char *name,
                   const pjsip_authorization_hdr *stock_answer,
                   const pjsip_authorization_hdr *our_answer)
{
    struct rule *rule;

    m->d.kind = kind;
    m->d.field = name;
    m->d.stock = stock_answer ? &stock_answer->credential.digest : NULL;
    m->d.ours = our_answer ? &our_answer->credential.digest : NULL;
    rule = rule_for(&m->d);
    m->differed |= strcmp(name, "cnonce") != 0;
    m->apart |= kind != FIELD;
    if (rule) {
        ++rule->seen;
        return;
    }
    ++tally.unlisted;
    complain(m, "UNLISTED difference: %s (status %d and %d)", name,
             m->by_stock.status, m->by_ours.status);
    show("stock", stock_answer);
    show("pjauth", our_answer);
}

/* ------------------------------------------------------------ our own answer */

static void wrong(struct match *m, const char *what,
                  const pjsip_authorization_hdr *answer)
{
    ++tally.wrong;
    complain(m, "WRONG answer of pjauth's: %s", what);
    show("pjauth", answer);
}

static int is_same_nonce(const pjsip_www_authenticate_hdr *a,
                         const pjsip_www_authenticate_hdr *b)
{
    return pj_strcmp(&a->challenge.digest.nonce, &b->challenge.digest.nonce) == 0;
}

/* The highest count of this nonce, whoever asked with it, and what came since. */
static unsigned long count_before(struct match *m)
{
    unsigned long highest = 0;
    unsigned i;

    for (i = 0; i < m->count_count; ++i)
        if (is_same_nonce(m->counts[i].challenge, m->d.challenge) &&
            m->counts[i].value > highest)
            highest = m->counts[i].value;
    return highest;
}

static void judge_count(struct match *m, const pjsip_authorization_hdr *answer)
{
    const pjsip_digest_credential *a = &answer->credential.digest;
    char expected[9];
    unsigned long count = count_before(m) + 1;

    snprintf(expected, sizeof(expected), "%08lx", count);
    if (pj_strcmp2(&a->nc, expected) != 0 &&
        m->d.response_count <= 32) /* servers remembered */
        wrong(m, "nc", answer);
    m->counts[m->count_count].challenge = m->d.challenge;
    m->counts[m->count_count++].value = count;
}

/* What an answer must be, whatever stock does. */
static void judge(struct match *m, const pjsip_authorization_hdr *answer)
{
    const pjsip_digest_challenge *c = &m->d.challenge->challenge.digest;
    const pjsip_digest_credential *a = &answer->credential.digest;
    const char *qop = offers(&c->qop, "auth")       ? "auth"
                      : offers(&c->qop, "auth-int") ? "auth-int"
                                                    : "";
    int session = algorithm_named(&c->algorithm).session;

    if (pj_strcmp2(&answer->scheme, "Digest") != 0)
        wrong(m, "scheme", answer);
    if (pj_strcmp(&a->realm, &c->realm) || pj_strcmp(&a->nonce, &c->nonce) ||
        pj_strcmp(&a->opaque, &c->opaque) ||
        pj_strcmp(&a->algorithm, &c->algorithm))
        wrong(m, "not what was asked", answer);
    if (pj_strcmp2(&a->qop, qop) != 0)
        wrong(m, "qop", answer);
    if ((a->cnonce.slen > 0) != (*qop || session) ||
        (a->nc.slen > 0) != (*qop != 0))
        wrong(m, "cnonce or nc", answer);
    else if (*qop)
        judge_count(m, answer);
    if (credential_used(m->d.scenario, m->d.challenge, a) < 0)
        wrong(m, "response", answer);
}

/* ------------------------------------------------------------------ answers */

static int is_answer_to(const pjsip_authorization_hdr *answer,
                        const pjsip_www_authenticate_hdr *challenge)
{
    const pjsip_digest_challenge *c = &challenge->challenge.digest;
    const pjsip_digest_credential *a = &answer->credential.digest;

    return (answer->type == PJSIP_H_AUTHORIZATION) ==
               (challenge->type == PJSIP_H_WWW_AUTHENTICATE) &&
           pj_strcmp(&a->realm, &c->realm) == 0 &&
           pj_strcmp(&a->nonce, &c->nonce) == 0 &&
           pj_strcmp(&a->opaque, &c->opaque) == 0 &&
           pj_strcmp(&a->algorithm, &c->algorithm) == 0;
}

/* Whether an answer could be to either of two different challenges. */
static int is_ambiguous(const struct response *r)
{
    unsigned i, j;

    for (i = 0; i < r->count; ++i)
        for (j = 0; j < i; ++j) {
            const pjsip_digest_challenge *a = &r->challenges[i]->challenge.digest;
            const pjsip_digest_challenge *b = &r->challenges[j]->challenge.digest;
            int alike = pj_strcmp(&a->qop, &b->qop) == 0 && a->stale == b->stale;
            if (r->challenges[i]->type == r->challenges[j]->type &&
                pj_strcmp(&a->realm, &b->realm) == 0 &&
                pj_strcmp(&a->nonce, &b->nonce) == 0 &&
                pj_strcmp(&a->opaque, &b->opaque) == 0 &&
                pj_strcmp(&a->algorithm, &b->algorithm) == 0 &&
                !(alike && i == j + 1))
                return 1;
        }
    return 0;
}

/* The new answer to the challenge at hand, NULL: there is none. What answers
 * several alike answers the topmost. */
static const pjsip_authorization_hdr *
answer_to(const struct match *m, const struct outcome *outcome)
{
    const struct response *r = &m->responses[m->d.response_count - 1];
    unsigned i, j;

    for (i = outcome->carried; i < outcome->count; ++i) {
        for (j = 0; j < m->d.place; ++j)
            if (is_answer_to(outcome->answers[i], r->challenges[j]))
                break;
        if (j == m->d.place &&
            is_answer_to(outcome->answers[i], m->d.challenge))
            return outcome->answers[i];
    }
    return NULL;
}

static int same_parameters(const pjsip_authorization_hdr *a,
                           const pjsip_authorization_hdr *b)
{
    const pjsip_param *heads[2], *p, *q;

    heads[0] = &a->credential.digest.other_param;
    heads[1] = &b->credential.digest.other_param;
    for (p = heads[0]->next, q = heads[1]->next;
         p != heads[0] && q != heads[1]; p = p->next, q = q->next)
        if (pj_strcmp(&p->name, &q->name) || pj_strcmp(&p->value, &q->value))
            return 0;
    return p == heads[0] && q == heads[1];
}

/* Field by field. Where there is a cnonce the response itself cannot be equal:
 * then both must be right, and for the same credential. */
static void compare_answers(struct match *m,
                            const pjsip_authorization_hdr *stock_answer,
                            const pjsip_authorization_hdr *our_answer)
{
    int with_cnonce = our_answer->credential.digest.cnonce.slen > 0;
    int i;

    for (i = 0; i < FIELDS; ++i) {
        pj_str_t a = field(stock_answer, i), b = field(our_answer, i);
        int is_response = strcmp(field_names[i], "response") == 0;
        if (pj_strcmp(&a, &b) != 0 && !(is_response && with_cnonce))
            differ(m, FIELD, field_names[i], stock_answer, our_answer);
    }
    if (!same_parameters(stock_answer, our_answer))
        differ(m, FIELD, "parameters", stock_answer, our_answer);
    if (m->d.challenge && with_cnonce) {
        int used_by_stock = credential_used(
            m->d.scenario, m->d.challenge, &stock_answer->credential.digest);
        int used_by_ours = credential_used(
            m->d.scenario, m->d.challenge, &our_answer->credential.digest);
        if (used_by_stock < 0 || used_by_stock != used_by_ours)
            differ(m, FIELD, "credential", stock_answer, our_answer);
    }
}

static void compare_challenges(struct match *m)
{
    const struct response *r = &m->responses[m->d.response_count - 1];
    unsigned i;

    for (i = 0; i < r->count; ++i) {
        const pjsip_authorization_hdr *a, *b;
        m->d.place = i;
        m->d.challenge = r->challenges[i];
        a = answer_to(m, &m->by_stock);
        b = answer_to(m, &m->by_ours);
        tally.answers += b != NULL;
        if (b) {
            judge(m, b);
            m->answered[m->answered_count++] = m->d.challenge;
        }
        if (a && b)
            compare_answers(m, a, b);
        else if (a)
            differ(m, STOCK_ALONE, "answered by stock alone", a, b);
        else if (b)
            differ(m, OURS_ALONE, "answered by pjauth alone", a, b);
    }
    m->d.challenge = NULL;
}

static int is_like(const pjsip_authorization_hdr *a, const pjsip_authorization_hdr *b)
{
    return a->type == b->type &&
           pj_strcmp(&a->credential.digest.realm, &b->credential.digest.realm) == 0 &&
           pj_strcmp(&a->credential.digest.nonce, &b->credential.digest.nonce) == 0;
}

/* The answers of earlier steps, and those that were sent unasked, in whatever order. */
static void compare_carried(struct match *m, unsigned by_stock,
                            unsigned by_ours)
{
    unsigned i, j;

    if (by_stock != by_ours) {
        differ(m, CARRIED, "answers carried along", NULL, NULL);
        return;
    }
    for (i = 0; i < by_ours; ++i) {
        const pjsip_authorization_hdr *b = m->by_ours.answers[i];
        for (j = 0; j < by_stock && !is_like(m->by_stock.answers[j], b); ++j)
            ;
        if (j == by_stock)
            differ(m, CARRIED, "answers carried along", NULL, b);
    }
}

/* As long as nothing was answered differently, or could have been. */
static void compare_memories(struct match *m)
{
    m->differed |= m->responses[m->d.response_count - 1].count > 1;
    if (m->differed || !remember_one(&m->stock, &m->ours))
        return;
    ++tally.memories;
    if (remember_alike(&m->stock, &m->ours))
        return;
    ++tally.unlisted;
    complain(m, "UNLISTED difference: what is remembered");
    show_memory(&m->stock);
    show_memory(&m->ours);
}

/* -------------------------------------------------------------------- steps */

/* The newest challenge that pjauth has answered so, NULL: none. */
static const pjsip_www_authenticate_hdr *challenge_behind(const struct match *m,
                                                          const pjsip_authorization_hdr *answer)
{
    unsigned i;

    for (i = m->answered_count; i > 0; --i)
        if (is_answer_to(answer, m->answered[i - 1]))
            return m->answered[i - 1];
    return NULL;
}

static int is_empty(const pjsip_authorization_hdr *answer)
{
    return answer->credential.digest.response.slen == 0;
}

/* The other side's unasked answer to the same server. */
static const pjsip_authorization_hdr *counterpart(const struct outcome *other,
                                                  const pjsip_authorization_hdr *answer)
{
    const pjsip_digest_credential *a = &answer->credential.digest;
    unsigned i;

    for (i = 0; i < other->count; ++i) {
        const pjsip_digest_credential *b = &other->answers[i]->credential.digest;
        if (!is_empty(other->answers[i]) && other->answers[i]->type == answer->type &&
            pj_stricmp(&a->realm, &b->realm) == 0 &&
            algorithm_named(&a->algorithm).hash == algorithm_named(&b->algorithm).hash)
            return other->answers[i];
    }
    return NULL;
}

/* What is sent unasked must be right, and is compared as long as nothing was answered
 * differently, or could have been. */
static void compare_unasked(struct match *m)
{
    const int alike = !m->differed;
    unsigned i;

    m->d.is_unasked = 1;
    for (i = 0; i < m->by_ours.count; ++i) {
        const pjsip_authorization_hdr *answer = m->by_ours.answers[i], *other;
        if (is_empty(answer))
            continue;
        ++tally.unasked;
        m->d.challenge = challenge_behind(m, answer);
        if (!m->d.challenge) {
            wrong(m, "unasked, and to no challenge", answer);
            continue;
        }
        judge(m, answer);
        other = counterpart(&m->by_stock, answer);
        if (alike && other)
            compare_answers(m, other, answer);
        else if (alike)
            differ(m, OURS_ALONE, "sent unasked by pjauth alone", NULL, answer);
    }
    for (i = 0; alike && i < m->by_stock.count; ++i) {
        const pjsip_authorization_hdr *answer = m->by_stock.answers[i];
        m->d.challenge = challenge_behind(m, answer);
        if (!is_empty(answer) && m->d.challenge && !counterpart(&m->by_ours, answer))
            differ(m, STOCK_ALONE, "sent unasked by stock alone", answer, NULL);
    }
    m->d.is_unasked = 0;
    m->d.challenge = NULL;
}

/* Only empty answers are left. Returns how many were not. */
static unsigned drop_unasked(struct outcome *outcome)
{
    const unsigned before = outcome->count;
    unsigned i, count = 0;

    for (i = 0; i < outcome->count; ++i)
        if (is_empty(outcome->answers[i]))
            outcome->answers[count++] = outcome->answers[i];
    outcome->count = count;
    return before - count;
}

static void begin(struct match *m)
{
    unsigned i, sent;

    player_begin(&m->stock, &m->by_stock);
    player_begin(&m->ours, &m->by_ours);
    if (m->by_stock.status != m->by_ours.status) {
        differ(m, STATUS, "status of init_req", NULL, NULL);
        return;
    }
    compare_unasked(m);
    sent = drop_unasked(&m->by_stock);
    sent += drop_unasked(&m->by_ours);
    /* What was answered differently is now sent along. */
    m->apart |= sent && m->differed;
    compare_carried(m, m->by_stock.count, m->by_ours.count);
    for (i = 0; i < m->by_ours.count && !m->apart; ++i)
        compare_answers(m, m->by_stock.answers[i], m->by_ours.answers[i]);
}

static void meet(struct match *m, const struct step *step, pj_pool_t *pool)
{
    struct response *response = &m->responses[m->d.response_count++];

    parse_response(response, pool, step);
    if (is_ambiguous(response)) {
        ++tally.ambiguous;
        m->apart = 1;
        return;
    }
    ++tally.steps;
    player_meet(&m->stock, response, &m->by_stock);
    player_meet(&m->ours, response, &m->by_ours);
    compare_challenges(m);
    if ((m->by_ours.status == PJ_SUCCESS) !=
        (m->by_ours.count > m->by_ours.carried))
        wrong(m, "status", NULL);
    if (m->apart)
        return;
    compare_carried(m, m->by_stock.carried, m->by_ours.carried);
    if (m->by_stock.status != m->by_ours.status)
        differ(m, STATUS, "status of reinit_req", NULL, NULL);
    else if (m->by_stock.to_be_sent != m->by_ours.to_be_sent)
        differ(m, STATUS, "readiness to be sent", NULL, NULL);
    else if (m->by_ours.status == PJ_SUCCESS)
        compare_memories(m);
    else
        m->differed = 1; /* stock remembers what it does not answer, too */
}

int compare(pjsip_endpoint *endpoint, const struct scenario *scenario)
{
    static struct match m;
    unsigned count = count_steps(scenario), i;
    pj_pool_t *pool =
        pjsip_endpt_create_pool(endpoint, "match", POOL_SIZE, POOL_SIZE);

    memset(&m, 0, sizeof(m));
    m.ok = 1;
    m.d.scenario = scenario;
    m.d.responses = m.responses;
    m.d.by_stock = &m.by_stock;
    m.d.by_ours = &m.by_ours;
    player_open(&m.stock, &stock, endpoint, scenario);
    player_open(&m.ours, &ours, endpoint, scenario);
    /* Once the two have gone apart, what follows differs as a matter of
     * course. */
    for (i = 0; i < count && !m.apart; ++i) {
        if (i == 0 || scenario->steps[i].fresh)
            begin(&m);
        if (!m.apart)
            meet(&m, &scenario->steps[i], pool);
    }
    player_close(&m.stock);
    player_close(&m.ours);
    pjsip_endpt_release_pool(endpoint, pool);
    return m.ok;
}
