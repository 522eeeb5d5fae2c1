/* How much memory may still be asked for. */
#ifndef SWELL_BASE_AVAILABLE_H
#define SWELL_BASE_AVAILABLE_H

/* Bytes that the system can give without swapping, caches of files counted as free, within the limit
 * of this process' control group; 0: unknown.  For reports and early refusals only: it changes at any time. */
double sw__memory_available(void);

#endif
