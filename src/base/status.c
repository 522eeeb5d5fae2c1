/* Names and texts of the status codes, from the one list in swell/status.h. */
#include <swell/status.h>

const char *sw_status_text(sw_status status)
{
    switch (status) {
#define SW_STATUS_CASE(name, value, text)                                                          \
    case name: return text;
        SW_STATUS_LIST(SW_STATUS_CASE)
#undef SW_STATUS_CASE
    }
    return "unknown status";
}

const char *sw_status_name(sw_status status)
{
    switch (status) {
#define SW_STATUS_CASE(name, value, text)                                                          \
    case name: return #name;
        SW_STATUS_LIST(SW_STATUS_CASE)
#undef SW_STATUS_CASE
    }
    return "SW_ERR_UNKNOWN";
}
