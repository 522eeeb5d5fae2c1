/* Absurd sizes are asked for on purpose: a sanitizer shall say NULL, as malloc does. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
