/* The table where there is nothing to measure against: unmeasured REASON
 * [--json]. */
#include "report.h"

#include <string.h>

int main(int argc, char **argv)
{
    report_nothing(argc > 1 ? argv[1] : "no reason given",
                   argc > 2 && strcmp(argv[2], "--json") == 0);
    return 0;
}
