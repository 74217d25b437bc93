// What the tests in C++ say of what is wrong, and in the end.
#pragma once

#include <cstdio>
#include <cstdlib>

inline int failures;

inline void check(bool condition, const char* what)
{
    if (condition)
        return;
    std::printf("wrong: %s\n", what);
    ++failures;
}

inline int verdict()
{
    std::printf("%d failures\n", failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
