/* Which expressions a model's words are cut by: the names that GGUF gives them (tokenizer.ggml.pre, after
 * llama.cpp's src/llama-vocab.cpp) with the expressions of the models' own tokenizer.json.
 *
 * To add one: a line in pre_names, with a list of its expressions; if the expression is one of the family of
 * word_rules.c, a line in known, which makes it fast. */
#include <string.h>
#include "text/pre_tokenizer.h"

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES       "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define SYMBOLS      "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define LETTERS      "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define UPPER        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER        "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(end)                                                                                 \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" end "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER     \
    "*" end

#define GPT2   "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define CL100K CONTRACTIONS "|" LETTERS "|\\p{N}{1,3}" SYMBOLS SPACES
#define QWEN2  CONTRACTIONS "|" LETTERS "|\\p{N}" SYMBOLS SPACES
#define QWEN35                                                                                     \
    CONTRACTIONS                                                                                   \
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES
#define O200K      CASED(CONTRACTIONS "?") "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES
#define YOUTU      CASED(CONTRACTIONS "?") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES
#define TEKKEN     CASED("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES
#define SEED_CODER CONTRACTIONS "|" LETTERS "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" SPACES
#define UFAKZEKA   LETTERS "|\\p{N}" SYMBOLS SPACES
#define MINICPM5   CONTRACTIONS "|" LETTERS "|\\p{N}+" SYMBOLS SPACES

static const struct sw_word_rules
    gpt2 = {.contraction = SW_CONTRACTION, .space_only = true},
    cl100k = {SW_CONTRACTION_ANY_CASE, .digits = 3, .tail = "\r\n", .newlines = true},
    qwen2 = {SW_CONTRACTION_ANY_CASE, .digits = 1, .tail = "\r\n", .newlines = true},
    qwen35 = {SW_CONTRACTION_ANY_CASE, .marks = true, .digits = 1, .tail = "\r\n",
              .newlines = true},
    o200k = {SW_CONTRACTION_ANY_CASE, .cased = true, .digits = 3, .tail = "\r\n/",
             .newlines = true},
    youtu = {SW_CONTRACTION_ANY_CASE, .cased = true, .digits = 1, .tail = "\r\n/",
             .newlines = true},
    tekken = {.cased = true, .digits = 1, .tail = "\r\n/", .newlines = true},
    seed_coder = {SW_CONTRACTION_ANY_CASE, .digits = 1, .newlines = true},
    ufakzeka = {.digits = 1, .tail = "\r\n", .newlines = true},
    minicpm5 = {SW_CONTRACTION_ANY_CASE, .tail = "\r\n", .newlines = true};

static const struct {
    const char *pattern;
    const struct sw_word_rules *rules;
} known[] = {
    {GPT2, &gpt2},
    {"'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", &gpt2},
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)", &gpt2},
    {CL100K, &cl100k},
    {QWEN2, &qwen2},
    {QWEN35, &qwen35},
    {O200K, &o200k},
    {YOUTU, &youtu},
    {TEKKEN, &tekken},
    {SEED_CODER, &seed_coder},
    {UFAKZEKA, &ufakzeka},
    {MINICPM5, &minicpm5},
};
enum { KNOWN = sizeof known / sizeof *known };

const char *sw__word_pattern(int i, const struct sw_word_rules **rules)
{
    if (i >= KNOWN) return NULL;
    *rules = known[i].rules;
    return known[i].pattern;
}

const struct sw_word_rules *sw__word_rules_of(const char *pattern)
{
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(known[i].pattern, pattern) == 0) return known[i].rules;
    return NULL;
}

/* Letters that have a case, by number: an editor that composes characters would change some. */
#define LATIN                                                                                      \
    "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}\\x{1C4}"         \
    "-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}\\x{37F}"         \
    "\\x{386}\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}"         \
    "\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}\\x{13F8}-"           \
    "\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}\\x{1D6B}-"                 \
    "\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}\\x{1F20}-"                 \
    "\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}\\x{1F5D}\\x{1F5F}-"         \
    "\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}\\x{1FC6}"         \
    "-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}\\x{1FF2}-"                \
    "\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-"         \
    "\\x{211D}\\x{2124}\\x{2126}\\x{2128}\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}"          \
    "\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}"         \
    "\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}"         \
    "-\\x{A69B}\\x{A722}-\\x{A76F}\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-"                \
    "\\x{ABBF}\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}\\x{FF41}-"                 \
    "\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-"          \
    "\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}"

/* Hangul, punctuation, bopomofo, Chinese with kana, each a word of its own. */
#define KOREAN_AND_SIGNS                                                                           \
    "[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+|[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}"     \
    "\\x{2019}\\x{2014}\\x{FF1A}\\x{FF1B}\\x{FF0C}\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}]+"        \
    "|[\\x{3105}-\\x{312F}]+|" CHINESE_AND_KANA
#define WIDE_SIGNS                                                                                 \
    "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+"
#define CHINESE          "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"
#define CHINESE_AND_KANA "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"
/* No end of a sentence of any script. */
#define NOT_ENDS  " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+"
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define DEEPSEEK3_WORDS                                                                            \
    "[!\"#$%&'()*+,\\-./"                                                                          \
    ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"

static const struct sw_pre_name pre_names[] = {
    {.names =
         " gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert "
         "mpt olmo jais trillion granite-docling exaone4 ",
     .pattern = LIST(GPT2)},
    {.names = " jina-v1-en jina-v2-code roberta-bpe ", .pattern = LIST(GPT2), .add_sep = true},
    {.names = " llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano ",
     .pattern = LIST(CL100K),
     .whole_words = true,
     .add_bos = true},
    {.names = " dbrx smaug-bpe glm4 chatglm-bpe ", .pattern = LIST(CL100K)},
    {.names = " qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 "
              "bailingmoe bailingmoe2 llada-moe ",
     .pattern = LIST(QWEN2)},
    {.names = " qwen35 ", .pattern = LIST(QWEN35)},
    {.names = " gpt-4o llama4 kanana2 talkie minimax-m2 ", .pattern = LIST(O200K)},
    {.names = " granite-embed-multi-97m ", .pattern = LIST(O200K), .whole_words = true},
    {.names = " tekken ", .pattern = LIST(TEKKEN), .whole_words = true, .add_bos = true},
    {.names = " seed-coder ", .pattern = LIST(SEED_CODER)},
    {.names = " ufakzeka ", .pattern = LIST(UFAKZEKA)},
    {.names = " minicpm5 ", .pattern = LIST("\\p{N}{1,3}", MINICPM5), .whole_words = true},
    {.names = " laguna ", .pattern = LIST("[^\\n]+|[\\n]+", QWEN2)},
    {.names = " default ",
     .pattern = LIST("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]")},
    {.names = " falcon ", .pattern = LIST("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]")},
    {.names = " smollm starcoder refact command-r codeshell exaone minerva-7b mellum2 ",
     .pattern = LIST("\\p{N}", GPT2)},
    {.names = " deepseek-llm ",
     .pattern = LIST("[\r\n]", "\\s?[" LATIN "]+", WIDE_SIGNS, "\\s+$", CHINESE, "\\p{N}+")},
    {.names = " deepseek-coder ",
     .pattern = LIST("[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CHINESE, "\\p{N}")},
    {.names = " deepseek-v3 hunyuan-dense joyai-llm hy_v4 ",
     .pattern = LIST("\\p{N}{1,3}", CHINESE_AND_KANA,
                     DEEPSEEK3_WORDS "| ?[\\p{P}\\p{S}]+[\\r\\n]*" SPACES)},
    {.names = " spark2_5 ",
     .pattern = LIST("\\p{N}{1,3}", CHINESE_AND_KANA,
                     DEEPSEEK3_WORDS "| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+", "\\p{N}")},
    {.names = " youtu ", .pattern = LIST(KOREAN_AND_SIGNS, YOUTU), .whole_words = true},
    {.names = " tiny_aya cohere2moe ", .pattern = LIST("\\d{1,3}(?=(?:\\d{3})*\\b)", O200K)},
    {.names = " poro-chat bloom gpt3-finnish ", .pattern = LIST(NOT_ENDS)},
    {.names = " viking ", .pattern = LIST(NOT_ENDS, "\\p{N}")},
    {.names = " superbpe ", .pattern = LIST("\\p{N}+", "(?=(\\d{3})+(?!\\d))")},
    {.names = " chameleon ",
     .pattern = LIST("<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
                     "([\\t\\n]|    |  )", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", GPT2),
     .add_bos = true},
    {.names = " jais-2 ",
     .pattern = LIST(
         CONTRACTIONS
         "|" LETTERS "|\\p{N}{1,3}" SYMBOLS
         "|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)"
         "|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}")},
    {.names = " exaone-moe ",
     .pattern = LIST(CONTRACTIONS
                     "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                     "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+")},
};

const struct sw_pre_name *sw__pre_name(const char *name, size_t bytes)
{
    char word[64];
    if (bytes + 3 > sizeof word || memchr(name, ' ', bytes)) return NULL;
    word[0] = ' ';
    memcpy(word + 1, name, bytes);
    memcpy(word + 1 + bytes, " ", 2);
    for (size_t i = 0; i < sizeof pre_names / sizeof *pre_names; i++)
        if (strstr(pre_names[i].names, word)) return &pre_names[i];
    return NULL;
}

static bool same_step(const struct sw_split *s, const char *pattern)
{
    if (s->keep != SW_SPLIT_ISOLATED || s->invert) return false;
    return s->rules ? s->rules == sw__word_rules_of(pattern) : strcmp(s->pattern, pattern) == 0;
}

const char *sw__pre_name_of(const struct sw_pre_tokenizer *p, bool whole_words)
{
    for (size_t i = 0; i < sizeof pre_names / sizeof *pre_names; i++) {
        const struct sw_pre_name *n = &pre_names[i];
        int same = 0;
        while (same < p->count && n->pattern[same] && same_step(&p->split[same], n->pattern[same]))
            same++;
        if (same == p->count && !n->pattern[same] && n->whole_words == whole_words)
            return n->names + 1;
    }
    return NULL;
}
