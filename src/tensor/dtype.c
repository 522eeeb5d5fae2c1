/* The table of data types, from the one list in swell/tensor.h. */
#include <swell/tensor.h>

#include <string.h>

static const sw_dtype_info infos[SW_DTYPE_COUNT] = {
#define SW_DTYPE_ROW(name, text, elements, bytes)                                                  \
    [name] = {text, elements, bytes, name == SW_F32 || name == SW_F16 || name == SW_BF16},
    SW_DTYPE_LIST(SW_DTYPE_ROW)
#undef SW_DTYPE_ROW
};

const sw_dtype_info *sw_dtype_get(sw_dtype dtype)
{
    return (unsigned)dtype < SW_DTYPE_COUNT ? &infos[dtype] : NULL;
}

sw_dtype sw_dtype_find(const char *name)
{
    for (int i = 0; name && i < SW_DTYPE_COUNT; i++)
        if (!strcmp(name, infos[i].name)) return (sw_dtype)i;
    return SW_DTYPE_COUNT;
}
