/* Time for reports and profiles; never for decisions. */
#ifndef SWELL_BASE_CLOCK_H
#define SWELL_BASE_CLOCK_H

/* Seconds of a clock that never jumps. */
double sw__clock_seconds(void);

#endif
