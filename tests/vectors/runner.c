/*
 * tests/vectors/run DIR [--report FILE]: finds the data files, gives each to who knows it, counts and reports.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/vectors/vectors.h"

#define FILES_MAX    4096
#define EXIT_SKIPPED 77

struct folder_list {
    char *path[FILES_MAX];
    size_t count;
};

void vectors_check(struct vectors *run, bool ok, const char *id, const char *format, ...)
{
    char what[512];
    va_list arguments;
    if (ok) {
        run->passed++;
        run->file->passed++;
        return;
    }
    run->failed++;
    run->file->failed++;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    printf("MISMATCH %s: %s: %s\n", run->file->path, id, what);
    struct tools_json *entry = tools_json_new_object();
    tools_json_set_text(entry, "file", run->file->path);
    tools_json_set_text(entry, "id", id);
    tools_json_set_text(entry, "what", what);
    tools_json_append(run->mismatches, entry);
}

void vectors_mutate(struct vectors *run, const char *id, struct bytes bytes, size_t step, vectors_accepts *accepts,
                    const void *context)
{
    union {
        const uint8_t *from;
        uint8_t *to;
    } owned = {.from = bytes.data};
    size_t bit = 0;
    bool accepted = false;
    if (!run->mutate)
        return;
    for (; bit < 8 * bytes.len && !accepted; bit += step) {
        owned.to[bit / 8] ^= (uint8_t)(1u << bit % 8);
        accepted = accepts(context);
        owned.to[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    vectors_check(run, !accepted, id, "accepted with bit %zu flipped", bit - step);
}

void vectors_opened_close(struct vectors_opened *opened)
{
    tools_json_close(opened->doc);
    free(opened->path);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_ending(const char *path, const char *ending)
{
    size_t len = strlen(path);
    return len > strlen(ending) && strcmp(path + len - strlen(ending), ending) == 0;
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (!path)
        exit(3);
    snprintf(path, size, "%s%s%s", folder, *folder ? "/" : "", name);
    return path;
}

/* Entries of root/folder whose names end in .json, .yaml or .yml, and its sub-folders; all relative to root, sorted. */
static bool list_folder(struct folder_list *files, struct folder_list *folders, const char *root, const char *folder)
{
    char *path = join(root, folder);
    DIR *dir = opendir(path);
    free(path);
    if (!dir)
        return false;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        struct stat info;
        char *relative = join(folder, entry->d_name);
        char *full = join(root, relative);
        bool known = entry->d_name[0] != '.' && stat(full, &info) == 0;
        bool data = has_ending(relative, ".json") || has_ending(relative, ".yaml") || has_ending(relative, ".yml");
        free(full);
        if (known && S_ISDIR(info.st_mode) && folders->count < FILES_MAX)
            folders->path[folders->count++] = relative;
        else if (known && S_ISREG(info.st_mode) && data && files->count < FILES_MAX)
            files->path[files->count++] = relative;
        else
            free(relative);
    }
    closedir(dir);
    qsort(files->path, files->count, sizeof files->path[0], compare_text);
    return true;
}

static void report_file(struct tools_json *list, const struct vectors_file *file)
{
    struct tools_json *entry = tools_json_new_object();
    printf("%-48s %5lld ok %3lld mismatched%s\n", file->path, (long long)file->passed, (long long)file->failed,
           file->recognised ? "" : "  NOT RECOGNISED");
    tools_json_set_text(entry, "file", file->path);
    tools_json_set_integer(entry, "passed", file->passed);
    tools_json_set_integer(entry, "failed", file->failed);
    tools_json_set_flag(entry, "recognised", file->recognised);
    tools_json_append(list, entry);
}

static void run_files(struct vectors *run, struct tools_json *list, const char *root, const struct folder_list *names)
{
    struct vectors_file *files = calloc(names->count + 1, sizeof *files);
    if (!files)
        exit(3);
    for (size_t i = 0; i < names->count; i++) {
        char *full = join(root, names->path[i]);
        files[i].path = names->path[i];
        files[i].doc = has_ending(full, ".json") ? tools_json_open(full) : vectors_read_yaml(full);
        free(full);
        run->file = &files[i];
        const char *error = tools_json_error(files[i].doc);
        if (error)
            vectors_check(run, false, "file", "%s", error);
        else if (vectors_try_trie(run, &files[i]) || vectors_try_rlp(run, &files[i]) ||
                 vectors_try_proofs(run, &files[i]) || vectors_try_ics23(run, &files[i]) ||
                 vectors_try_cometbft(run, &files[i]))
            files[i].recognised = true;
    }
    vectors_chain_folder(run, files, names->count);
    vectors_portal_folder(run, files, names->count);
    for (size_t i = 0; i < names->count; i++) {
        run->file = &files[i];
        if (files[i].recognised && tools_json_error(files[i].doc))
            vectors_check(run, false, "field", "%s", tools_json_error(files[i].doc));
        report_file(list, &files[i]);
        tools_json_close(files[i].doc);
    }
    free(files);
}

/* Walks root breadth first; false when root itself cannot be read. */
static bool run_folders(struct vectors *run, struct tools_json *list, const char *root)
{
    run->root = root;
    static struct folder_list folders;
    static struct folder_list files;
    folders.path[0] = strdup("");
    folders.count = 1;
    for (size_t i = 0; i < folders.count; i++) {
        files.count = 0;
        if (!list_folder(&files, &folders, root, folders.path[i])) {
            fprintf(stderr, "%s/%s: cannot be read: %s\n", root, folders.path[i], strerror(errno));
            return false;
        }
        qsort(folders.path + i + 1, folders.count - i - 1, sizeof folders.path[0], compare_text);
        run_files(run, list, root, &files);
        for (size_t k = 0; k < files.count; k++)
            free(files.path[k]);
    }
    for (size_t i = 0; i < folders.count; i++)
        free(folders.path[i]);
    for (size_t i = 0; i < run->opened_len; i++)
        vectors_opened_close(&run->opened[i]);
    proof_cometbft_space_free(run->cometbft);
    return true;
}

static int usage(void)
{
    fputs("usage: tests/vectors/run DIR [--report FILE] [--mutate] [--skip-missing]\n"
          "Checks every test vector below DIR against its stated verdict; with --mutate also that it is refused with\n"
          "bits flipped. Exit code 0: all as stated, 1: a mismatch or nothing found, 2: usage; with --skip-missing 77 "
          "when\n"
          "DIR does not exist.\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *root = NULL;
    const char *report_path = NULL;
    bool skip_missing = false;
    struct vectors run = {.mutate = false};
    struct stat info;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--report") == 0 && i + 1 < argc)
            report_path = argv[++i];
        else if (strcmp(argv[i], "--skip-missing") == 0)
            skip_missing = true;
        else if (strcmp(argv[i], "--mutate") == 0)
            run.mutate = true;
        else if (argv[i][0] == '-' || root)
            return usage();
        else
            root = argv[i];
    }
    if (!root)
        return usage();
    if (skip_missing && stat(root, &info) != 0) {
        printf("skipped: there is no folder of test vectors at %s (ISTHMUS_VECTORS names it)\n", root);
        return EXIT_SKIPPED;
    }
    run.mismatches = tools_json_new_array();
    struct tools_json *list = tools_json_new_array();
    struct tools_json *report = tools_json_new_object();
    bool readable = run_folders(&run, list, root);
    bool ok = readable && run.failed == 0 && run.passed > 0;
    printf("%s: %lld cases as stated, %lld mismatched\n", ok ? "ok" : "NOT OK", (long long)run.passed,
           (long long)run.failed);
    tools_json_set_flag(report, "ok", ok);
    tools_json_set_text(report, "folder", root);
    tools_json_set_integer(report, "passed", run.passed);
    tools_json_set_integer(report, "failed", run.failed);
    tools_json_set(report, "files", list);
    tools_json_set(report, "mismatches", run.mismatches);
    if (report_path && !tools_json_write(report_path, report)) {
        fprintf(stderr, "%s: cannot be written: %s\n", report_path, strerror(errno));
        ok = false;
    }
    tools_json_free(report);
    return ok ? 0 : 1;
}
