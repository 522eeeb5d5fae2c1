/* Memory that is left: MemAvailable of /proc/meminfo, and the limit of control groups (version 2), where a
 * container has one.  Elsewhere it is unknown. */
#include "base/available.h"

#include <stdio.h>
#include <string.h>

/* The number in a file of one number; -1: none. */
static double number_in(const char *path)
{
    double value = -1;
    FILE *f = fopen(path, "r");
    if (!f) return -1;
    if (fscanf(f, "%lf", &value) != 1) value = -1; /* "max" */
    fclose(f);
    return value;
}

static double of_machine(void)
{
    char line[128];
    double kilobytes = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lf", &kilobytes) == 1) break;
    fclose(f);
    return kilobytes * 1024;
}

double sw__memory_available(void)
{
    const double whole = of_machine();
    const double limit = number_in("/sys/fs/cgroup/memory.max");
    const double used = number_in("/sys/fs/cgroup/memory.current");
    if (limit <= 0 || used < 0) return whole;
    const double left = limit > used ? limit - used : 1;
    return whole > 0 && whole < left ? whole : left;
}
