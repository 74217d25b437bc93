#define _GNU_SOURCE
#include "timeline.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { MAX_ROWS = 100 };

static struct {
    long msec;
    const char *who;
    char what[64];
    int status;
} rows[MAX_ROWS];
static int row_count, failures;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

long now_msec(void)
{
    static struct timespec start;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (start.tv_sec == 0)
        start = now;
    return (now.tv_sec - start.tv_sec) * 1000 +
           (now.tv_nsec - start.tv_nsec) / 1000000;
}

int *note(const char *who, int status, const char *format, ...)
{
    va_list args;
    int i;

    pthread_mutex_lock(&lock);
    /* Where there is no room, the last row is written over. */
    i = row_count < MAX_ROWS ? row_count++ : MAX_ROWS - 1;
    rows[i].msec = now_msec();
    rows[i].who = who;
    rows[i].status = status;
    va_start(args, format);
    vsnprintf(rows[i].what, sizeof(rows[i].what), format, args);
    va_end(args);
    pthread_mutex_unlock(&lock);
    return &rows[i].status;
}

void expect(int as_it_should, const char *what)
{
    if (as_it_should)
        return;
    note("demo", NO_STATUS, "WRONG: %s", what);
    pthread_mutex_lock(&lock);
    ++failures;
    pthread_mutex_unlock(&lock);
}

int print_timeline(const char *(*name_of)(int status))
{
    int i;

    printf("\n%6s  %-11s %-56s %s\n", "ms", "who", "what", "status");
    for (i = 0; i < row_count; ++i) {
        const char *name = rows[i].status == NO_STATUS ? "" : name_of(rows[i].status);
        printf("%6ld  %-11s %-56s ", rows[i].msec, rows[i].who, rows[i].what);
        if (name)
            printf("%s\n", name);
        else
            printf("%d\n", rows[i].status);
    }
    return failures;
}
