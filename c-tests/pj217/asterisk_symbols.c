/* What Asterisk gives to its build of pjproject: a program that stands in
 * Asterisk's place has to give it too. */
#include <stddef.h>
#include <stdlib.h>

int ast_pjproject_max_log_level = 5;
int ast_option_pjproject_log_level = 0;

void *__ast_repl_malloc(size_t size, const char *file, int line,
                        const char *function);
void __ast_free(void *memory, const char *file, int line, const char *function);

void *__ast_repl_malloc(size_t size, const char *file, int line,
                        const char *function)
{
    (void)file;
    (void)line;
    (void)function;
    return malloc(size);
}

void __ast_free(void *memory, const char *file, int line, const char *function)
{
    (void)file;
    (void)line;
    (void)function;
    free(memory);
}
