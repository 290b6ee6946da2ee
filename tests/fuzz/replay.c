/*
 * tests/fuzz/replay.c - main() of a fuzz target in builds without libFuzzer: runs the target once
 * over every file of the folders named on the command line.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        return -1;
    }
    static uint8_t buf[1 << 20];
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    /* a heap copy of the exact size lets ASan see a read past the end */
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        copy[i] = buf[i];
    }
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) {
            continue;
        }
        for (struct dirent *e = readdir(d); e; e = readdir(d)) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            if (e->d_type == DT_REG && replay_file(path) == 0) {
                files++;
            }
        }
        closedir(d);
    }
    printf("%u files replayed\n", files);
    return files > 0 ? 0 : 1; /* a target without seeds proves nothing */
}
