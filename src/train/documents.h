/* Texts to train on, document by document: text files, folders of them, JSON lines. */
#ifndef SWELL_TRAIN_DOCUMENTS_H
#define SWELL_TRAIN_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

/* What ends a document inside of a text file. */
#define SW_END_OF_TEXT "<|endoftext|>"

/* One document; nothing is terminated, all is gone after the call. */
struct sw_document {
    const char *file; /* for errors */
    int64_t line;     /* where it begins, from 1 */
    const char *prompt;
    size_t prompt_bytes; /* not to be learnt, only read */
    bool completion;     /* the document has such a part */
    const char *text;
    size_t text_bytes;
};

/* Anything but SW_OK ends the visit. */
typedef sw_status (*sw_document_fn)(void *user, const struct sw_document *d);

/* All documents of a file or a folder, in the order of names:
 *   *.jsonl, *.ndjson   lines {"text":"..."} or {"prompt":"...","completion":"..."}; other members are left alone
 *   any other file      a text, cut at <|endoftext|>
 *   a folder            files .txt .text .md .jsonl .ndjson in it and in its folders
 * Empty documents are left out.  SW_ERR_IO, SW_ERR_FORMAT (the text names file, line and reason; a folder
 * without such files), SW_ERR_MEMORY. */
sw_status sw__documents_visit(sw_context *ctx, const char *path, sw_document_fn call, void *user);

/* One file from memory. */
sw_status sw__documents_read(sw_context *ctx, const char *name, const char *data, size_t size,
                             sw_document_fn call, void *user);

#endif
