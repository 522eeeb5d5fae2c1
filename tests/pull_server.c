/* A web server for pull_test.sh: files of one folder on the loopback, and what goes wrong with servers.
 *
 *     pull_server FOLDER      prints its port, serves until it is killed
 *
 * A request's path without its query is a file of the folder.  Parts are sent when asked for (Range and If-Range,
 * RFC 9110 section 14.2 and 13.1.5); the ETag is the file's size and time.  In front of a path:
 *     /break/N/...    the line breaks after N bytes of an answer
 *     /whole/...      parts are not known, nor ETags
 *     /moved/...      redirects to the rest
 *     /token/...      401 without "Authorization: Bearer secret"
 *     /status/N/...   that status */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
    char path[1024], condition[256];
    long from; /* of a range "N-", else -1 */
    bool token;
};

static void send_all(int to, const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(to, data, size);
        if (n <= 0) return;
        data += n;
        size -= (size_t)n;
    }
}

/* The request line and the headers that matter. */
static bool read_request(int from, struct request *r)
{
    char text[8192];
    size_t size = 0;
    do {
        const ssize_t n = read(from, text + size, sizeof text - 1 - size);
        if (n <= 0) return false;
        size += (size_t)n;
        text[size] = 0;
    } while (!strstr(text, "\r\n\r\n") && size < sizeof text - 1);
    *r = (struct request){.from = -1};
    if (sscanf(text, "GET %1023s ", r->path) != 1) return false;
    r->path[strcspn(r->path, "?")] = 0;
    char *to = r->path;
    for (const char *at = r->path; *at; at++) {
        unsigned byte;
        const bool escaped = sscanf(at, "%%%2x", &byte) == 1;
        *to++ = escaped ? (char)byte : *at;
        at += escaped ? 2 : 0;
    }
    *to = 0;
    const char *range = strstr(text, "\r\nRange: bytes="),
               *condition = strstr(text, "\r\nIf-Range: ");
    if (range) r->from = strtol(range + 15, NULL, 10);
    if (condition) sscanf(condition + 12, "%255[^\r]", r->condition);
    r->token = strstr(text, "\r\nAuthorization: Bearer secret\r\n") != NULL;
    return true;
}

/* If *path begins with /word/, goes on behind it. */
static bool prefix(const char **path, const char *word)
{
    const size_t n = strlen(word);
    if ((*path)[0] != '/' || strncmp(*path + 1, word, n) != 0 || (*path)[n + 1] != '/')
        return false;
    *path += n + 1;
    return true;
}

static long number(const char **path)
{
    char *end;
    const long n = strtol(*path + 1, &end, 10);
    *path = end;
    return n;
}

static void answer_file(int to, const char *folder, const struct request *r, const char *path,
                        long most, bool whole)
{
    char name[2048], head[512], etag[64];
    struct stat info;
    snprintf(name, sizeof name, "%s%s", folder, path);
    FILE *file = strstr(path, "..") ? NULL : fopen(name, "rb");
    if (!file || fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n"
                                   "Connection: close\r\n\r\nnone\n";
        send_all(to, none, sizeof none - 1);
        if (file) fclose(file);
        return;
    }
    const long size = (long)info.st_size;
    snprintf(etag, sizeof etag, "\"%ld-%ld\"", size, (long)info.st_mtime);
    long from = whole || (r->condition[0] && strcmp(r->condition, etag) != 0) ? -1 : r->from;
    int n;
    if (from >= size)
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */%ld\r\n"
                     "Content-Length: 0\r\nConnection: close\r\n\r\n",
                     size);
    else if (from >= 0)
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 206 Partial Content\r\nETag: %s\r\nContent-Length: %ld\r\n"
                     "Content-Range: bytes %ld-%ld/%ld\r\nConnection: close\r\n\r\n",
                     etag, size - from, from, size - 1, size);
    else
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\n%s%s%sContent-Length: %ld\r\nConnection: close\r\n\r\n",
                     whole ? "" : "ETag: ", whole ? "" : etag, whole ? "" : "\r\n", size);
    send_all(to, head, (size_t)n);
    char room[4096];
    if (from < size && fseek(file, from > 0 ? from : 0, SEEK_SET) == 0)
        for (size_t got; most > 0 && (got = fread(room, 1, sizeof room, file)) > 0;) {
            if ((long)got > most) got = (size_t)most;
            send_all(to, room, got);
            most -= (long)got;
        }
    fclose(file);
}

static void answer(int to, const char *folder, const struct request *r)
{
    const char *path = r->path;
    char head[1400];
    long most = 1L << 40;
    int n = 0;
    if (prefix(&path, "moved"))
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 302 Found\r\nETag: \"of the redirect\"\r\nLocation: %s\r\n"
                     "Content-Length: 0\r\nConnection: close\r\n\r\n",
                     path);
    else if (prefix(&path, "status"))
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 %ld So\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n",
                     number(&path));
    else if (prefix(&path, "token") && !r->token)
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 401 Who\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwho\n");
    if (n > 0) {
        send_all(to, head, (size_t)n);
        return;
    }
    if (prefix(&path, "break")) most = number(&path);
    const bool whole = prefix(&path, "whole");
    answer_file(to, folder, r, path, most, whole);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int door = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    if (argc != 2 || door < 0 || bind(door, (struct sockaddr *)&at, size) != 0 ||
        listen(door, 16) != 0 || getsockname(door, (struct sockaddr *)&at, &size) != 0) {
        fprintf(stderr, "pull_server: %s\n", argc == 2 ? strerror(errno) : "name a folder");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        struct request r;
        const int guest = accept(door, NULL, NULL);
        if (guest < 0) continue;
        if (read_request(guest, &r)) answer(guest, argv[1], &r);
        close(guest);
    }
}
