/* Loads the library that argv[1] names, unloads it and still calls it. Lazily, for there is no PJSIP here. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_LAZY | RTLD_LOCAL) : NULL;
    void *symbol = library ? dlsym(library, "pjauth_version") : NULL;
    const char *(*version)(void);

    if (!symbol) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    memcpy(&version, &symbol, sizeof(version));
    dlclose(library);
    puts(version());
    return 0;
}
