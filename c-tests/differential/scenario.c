#include "scenario.h"

#include <stdio.h>

unsigned count_credentials(const struct scenario *scenario)
{
    unsigned count = 0;
    while (count < MAX_CREDENTIALS && scenario->credentials[count].realm)
        ++count;
    return count;
}

unsigned count_steps(const struct scenario *scenario)
{
    unsigned count = 0;
    while (count < MAX_STEPS && scenario->steps[count].code)
        ++count;
    return count;
}

unsigned count_challenges(const struct step *step)
{
    unsigned count = 0;
    while (count < MAX_CHALLENGES && step->challenges[count])
        ++count;
    return count;
}

void print_scenario(const struct scenario *s)
{
    static const char *const secrets[] = {"password", "HA1", "HA1 upper case"};
    unsigned i, j;

    printf("# %s: %s %s%s%s%s\n", s->name, s->method ? s->method : "REGISTER",
           s->uri ? s->uri : "", s->body ? " with a body" : "",
           s->initial_auth ? ", initial_auth" : "",
           s->child ? ", with a parent" : "");
    for (i = 0; i < count_credentials(s); ++i) {
        const struct credential *c = &s->credentials[i];
        printf("#   credential: realm \"%s\" user \"%s\" %s \"%s\"", c->realm,
               c->user, secrets[c->secret], c->password);
        printf(c->secret == PASSWORD ? "\n" : " algorithm %d\n", c->algorithm);
    }
    for (i = 0; i < count_steps(s); ++i) {
        printf("#   %u: %d%s\n", i + 1, s->steps[i].code,
               s->steps[i].fresh ? " to a fresh request" : "");
        for (j = 0; j < count_challenges(&s->steps[i]); ++j)
            printf("#      %.200s\n", s->steps[i].challenges[j]);
    }
}
