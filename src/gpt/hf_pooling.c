/* Folders of sentence-transformers: modules.json lists what follows the network.  Known are a Pooling, whose settings
 * lie in a folder of their own (1_Pooling/config.json), and Normalize, which is done anyway unless vectors are asked
 * for as they are; sentence_bert_config.json says how long a text may be.  Layers behind the pooling (Dense), and
 * networks in a folder of their own, are refused. */
#include "gpt/hf_pooling.h"

#include <stdio.h>
#include <string.h>

#include "base/context_int.h"
#include "base/folder.h"
#include "format/json_read.h"

enum { PATH = 4096 };

static bool has_file(const sw_model *m, const char *name)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", m->path, name);
    return sw__path_kind(path) == SW_PATH_FILE;
}

/* The settings of the Pooling module: exactly one mode. */
static sw_status read_settings(sw_model *m, const char *folder)
{
    static const struct {
        const char *key;
        sw_pooling kind;
    } modes[] = {{"pooling_mode_cls_token", SW_POOLING_CLS},
                 {"pooling_mode_mean_tokens", SW_POOLING_MEAN},
                 {"pooling_mode_lasttoken", SW_POOLING_LAST}};
    struct sw_gpt_pooling *p = &m->net.pooling;
    char name[PATH / 2];
    const char *key;
    json_t *settings, *value;
    int on = 0;
    snprintf(name, sizeof name, "%s/config.json", folder);
    const sw_status status = sw__hf_json(m, name, SW_HF_CONFIG, false, &settings);
    if (status != SW_OK) return status;
    json_object_foreach(settings, key, value)
    {
        if (strncmp(key, "pooling_mode_", 13) != 0 || !json_is_true(value)) continue;
        p->kind = SW_POOLING_MODEL;
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
            if (strcmp(key, modes[i].key) == 0) p->kind = modes[i].kind;
        if (on++ || p->kind == SW_POOLING_MODEL)
            snprintf(p->unknown, sizeof p->unknown, "%s%s", key + 13, on > 1 ? " and others" : "");
    }
    json_decref(settings);
    return SW_OK;
}

static sw_status read_module(sw_model *m, const json_t *module)
{
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *path = json_string_value(json_object_get(module, "path"));
    const char *name = type && strrchr(type, '.') ? strrchr(type, '.') + 1 : "";
    if (!path || strlen(path) > 256 || strstr(path, ".."))
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s/modules.json: a module without a folder",
                        m->path);
    if (strcmp(name, "Transformer") == 0 && !*path) return SW_OK;
    if (strcmp(name, "Normalize") == 0) return SW_OK;
    if (strcmp(name, "Pooling") == 0) return read_settings(m, path);
    return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                    "%s/modules.json: the module '%.40s' in '%.40s' is not known; these are: "
                    "Transformer in the folder itself, Pooling, Normalize",
                    m->path, name, path);
}

static sw_status read_length(sw_model *m)
{
    json_t *settings;
    if (!has_file(m, "sentence_bert_config.json")) return SW_OK;
    const sw_status status = sw__hf_json(m, "sentence_bert_config.json", SW_HF_CONFIG, false,
                                         &settings);
    if (status != SW_OK) return status;
    const json_int_t n = json_integer_value(json_object_get(settings, "max_seq_length"));
    if (n > 0) m->net.pooling.context = n;
    json_decref(settings);
    return SW_OK;
}

sw_status sw__hf_pooling(sw_model *m)
{
    json_t *modules;
    if (!has_file(m, "modules.json")) return SW_OK;
    sw_status status = sw__hf_json(m, "modules.json", SW_HF_CONFIG, true, &modules);
    for (size_t i = 0; status == SW_OK && i < json_array_size(modules); i++)
        status = read_module(m, json_array_get(modules, i));
    json_decref(modules);
    return status == SW_OK ? read_length(m) : status;
}
