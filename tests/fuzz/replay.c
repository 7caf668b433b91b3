/*
 * The driver of the fuzz targets outside libFuzzer, so that ordinary CI replays every corpus.
 *
 * Usage: <target> FOLDER. Each file of FOLDER is given whole, cut at every length (up to CUTS of them), and with single bits
 * flipped (up to FLIPS of them, spread evenly). The input lies in a heap block of exactly its size, so that the address
 * sanitizer sees a read past its end.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS     512
#define FLIPS    1024
#define MAX_FILE (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void replay(uint8_t *data, size_t size)
{
    give(data, size);
    size_t step = size / CUTS + 1;
    for (size_t cut = 0; cut < size; cut += step)
        give(data, cut);
    step = size * 8 / FLIPS + 1;
    for (size_t bit = 0; bit < size * 8; bit += step) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        give(data, size);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static int replay_file(const char *folder, const char *name, uint8_t *buffer)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = len > 0 && (size_t)len < sizeof path ? fopen(path, "rb") : NULL;
    if (!file) {
        fprintf(stderr, "replay: cannot open %s/%s\n", folder, name);
        return 0;
    }
    size_t size = fread(buffer, 1, MAX_FILE, file);
    fclose(file);
    replay(buffer, size);
    return 1;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    uint8_t *buffer = malloc(MAX_FILE);
    size_t files = 0;
    int ok = buffer != NULL;
    if (!folder) {
        fprintf(stderr, "replay: give it one folder of inputs that exists\n");
        free(buffer);
        return 2;
    }
    for (const struct dirent *entry = readdir(folder); ok && entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        ok = replay_file(argv[1], entry->d_name, buffer);
        files++;
    }
    closedir(folder);
    free(buffer);
    printf("replayed %zu files of %s\n", files, argv[1]);
    return ok && files ? 0 : 1;
}
