/* What lab.c needs of lab_registrar.c. */
#ifndef PJAUTH_TESTS_LAB_REGISTRAR_H
#define PJAUTH_TESTS_LAB_REGISTRAR_H

#include "lab.h"

/* Starts registrar.py, or takes the port of one that runs already. Where this
 * fails the program ends. */
void registrar_start(const char *path);
int registrar_is_ours(void);
void registrar_stop(void);

/* Ends the program before its first case. */
void lab_die(const char *what, int status);

#endif
