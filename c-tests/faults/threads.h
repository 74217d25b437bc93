/* A system that has no more threads: the program's own pthread_create(), which goes before the C library's. */
#ifndef FAULTS_THREADS_H
#define FAULTS_THREADS_H

/* How many threads can still be made; -1 for as many as the system has. */
void threads_left(int count);

/* How many were refused since. */
int threads_refused(void);

#endif
