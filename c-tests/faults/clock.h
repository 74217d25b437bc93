/* A wall clock that jumps: the program's own clock_gettime(), gettimeofday() and time(), which go before the C
 * library's for everything that is linked into the program or loaded by it. */
#ifndef FAULTS_CLOCK_H
#define FAULTS_CLOCK_H

/* Sets how far the wall clock is off, in seconds. The monotonic clocks stay as they are. */
void clock_off_by(long long seconds);

/* How often anybody read a clock here: none was replaced unless this grows. */
unsigned clock_reads(void);

#endif
