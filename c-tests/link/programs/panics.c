/* Panics in Rust, caught in Rust, in a C program and in a thread of its. */
#include <pthread.h>
#include <stdio.h>
#ifdef BESIDE_PJAUTH
#include <pjauth.h>
#endif

int panics_caught(int n);

static void *thread(void *result)
{
    *(int *)result = panics_caught(2) * 10 + panics_caught(3);
    return result;
}

int main(void)
{
    int inner = 0;
    pthread_t id;

    if (pthread_create(&id, NULL, thread, &inner) || pthread_join(id, NULL))
        return 1;
    printf("%d %d\n", inner, panics_caught(1) + panics_caught(5));
#ifdef BESIDE_PJAUTH
    puts(pjauth_version());
#endif
    return 0;
}
