/* Terminals and Ctrl-C. */
#include "base/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool sw__is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int sw__terminal_columns(int fd)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    int n = columns ? atoi(columns) : 0;
    return n >= 20 && n <= 1000 ? n : 80;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = 1;
    (void)number;
}

void sw__interrupt_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool sw__interrupted(void)
{
    return interrupted != 0;
}
