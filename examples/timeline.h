/* What the demo's threads did, when, and what came of it. */
#ifndef TIMELINE_H
#define TIMELINE_H

enum { NO_STATUS = -1 };

/* Milliseconds since the first call. */
long now_msec(void);

/* Adds a row of this moment, from any thread; `who` is kept as a pointer. Returns
 * the row's status, for the caller to fill in where it comes later. */
int *note(const char *who, int status, const char *format, ...);

/* Adds a row, and makes the whole demo a failure, where it is not as it should be. */
void expect(int as_it_should, const char *what);

/* Prints the rows once no other thread adds any; `name_of` may return NULL for a
 * status that it has no name for. Returns how many expectations failed. */
int print_timeline(const char *(*name_of)(int status));

#endif
