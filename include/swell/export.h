/* SW_API marks what the shared library shows; all else is hidden. */
#ifndef SWELL_EXPORT_H
#define SWELL_EXPORT_H
#if defined(__GNUC__)
#define SW_API __attribute__((visibility("default")))
#else
#define SW_API
#endif
#endif
