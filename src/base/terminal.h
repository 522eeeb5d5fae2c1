/* What the standard streams are connected to. */
#ifndef SWELL_BASE_TERMINAL_H
#define SWELL_BASE_TERMINAL_H

#include <stdbool.h>

bool sw__is_terminal(int fd);
/* Columns of the terminal; $COLUMNS, else 80, when it is none. */
int sw__terminal_columns(int fd);

/* From here on SIGINT and SIGTERM only set a flag that sw__interrupted reads; a second signal ends
 * the process as usual. */
void sw__interrupt_catch(void);
bool sw__interrupted(void);

#endif
