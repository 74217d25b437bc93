/* An application that reaches the functions only through the archive caller.c; prints which file they are in. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void (*caller_entry(void))(void);

int main(void)
{
    void (*entry)(void) = caller_entry();
    void *address;
    Dl_info where;

    memcpy(&address, &entry, sizeof(address));
    if (!dladdr(address, &where))
        return 1;
    puts(where.dli_fname);
    return 0;
}
