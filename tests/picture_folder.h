/* A new folder with pictures, for tests: entered by setup, emptied and left by teardown. */
#ifndef SWELL_TESTS_PICTURE_FOLDER_H
#define SWELL_TESTS_PICTURE_FOLDER_H

#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <swell/picture.h>

static char picture_folder[32];

static inline void picture_folder_enter(void)
{
    strcpy(picture_folder, "pictures-XXXXXX");
    assert_true(mkdtemp(picture_folder) && chdir(picture_folder) == 0);
}

static inline void remove_all(const char *name)
{
    if (chdir(name) != 0) {
        unlink(name);
        return;
    }
    DIR *dir = opendir(".");
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) remove_all(e->d_name);
    if (dir) closedir(dir);
    assert_true(chdir("..") == 0 && rmdir(name) == 0);
}

static inline void picture_folder_leave(void)
{
    assert_int_equal(chdir(".."), 0);
    remove_all(picture_folder);
}

static inline void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Byte c of pixel (x,y) of a picture that is told apart by `seed`. */
static inline uint8_t picture_byte(int seed, int x, int y, int c)
{
    return (uint8_t)(seed * 37 + x * 7 + y * 11 + c * 50);
}

static inline void write_picture(sw_context *ctx, const char *path, int width, int height, int seed)
{
    sw_picture *p;
    assert_int_equal(sw_picture_create(ctx, width, height, &p), SW_OK);
    for (int i = 0; i < width * height * 3; i++)
        p->rgb[i] = picture_byte(seed, i / 3 % width, i / 3 / width, i % 3);
    assert_int_equal(sw_picture_save(ctx, p, path), SW_OK);
    sw_picture_destroy(p);
}

#endif
