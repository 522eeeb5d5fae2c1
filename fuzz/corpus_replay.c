/* Runs the files of the folders given through a fuzz target, without libFuzzer: so every input that
 * once broke a parser is tried again in every build and under every sanitizer.
 *
 * Each input is also cut short at every length up to 4096 bytes, as a file that was not written to
 * its end.  The input lies at the end of its own allocation, so that the address sanitizer sees a
 * read of one byte too many. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_once(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy) return;
    if (size) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int run_file(const char *path)
{
    static uint8_t data[1 << 20]; /* larger inputs have no place in a corpus */
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        return -1;
    }
    size_t size = fread(data, 1, sizeof data, f);
    int bad = ferror(f) || !feof(f);
    fclose(f);
    if (bad) {
        fprintf(stderr, "%s: unreadable, or larger than %zu bytes\n", path, sizeof data);
        return -1;
    }
    run_once(data, size);
    for (size_t cut = 0; cut < size && cut < 4096; cut++) run_once(data, cut);
    return 0;
}

int main(int argc, char **argv)
{
    int files = 0, failed = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char path[4096];
            if (entry->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            failed += run_file(path) != 0;
            files++;
        }
        closedir(folder);
    }
    printf("%d inputs\n", files);
    return failed || !files;
}
