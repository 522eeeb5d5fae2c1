/* Formatted text through a callback. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

void sw__text(sw_text_fn write, void *user, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0) write(user, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

char *sw__bytes_text(double bytes, char text[24])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int u = 0;
    while (bytes >= 999.5 && u < 4) {
        bytes /= 1000;
        u++;
    }
    snprintf(text, 24, bytes < 9.995 && u ? "%.2f %s" : "%.0f %s", bytes, units[u]);
    return text;
}
