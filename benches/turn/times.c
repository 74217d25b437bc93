#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"

double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int by_size(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

void print_round_trips(double *times, unsigned count, unsigned sent) {
    if (count == 0) {
        die("no packet came back");
    }
    qsort(times, count, sizeof(times[0]), by_size);
    printf("{\"median_us\": %.1f, \"p99_us\": %.1f, \"lost\": %u}\n", times[count / 2], times[count * 99 / 100],
           sent - count);
}
