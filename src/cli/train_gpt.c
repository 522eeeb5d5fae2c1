/* swell train gpt: from a text to a language model.
 *
 * options -> tokens -> graphs -> steps -> measured on text that it has not seen -> a file */
#include "cli/gpt_job.h"

static const char help[] =
    "usage: swell train gpt --data FILE|DIR --steps N [options]\n"
    "\n"
    "Train a language model on your own text, measure it on a part that it has not seen, write it "
    "to "
    "a file.\n"
    "\n"
    "text\n"
    "  --data PATH       a text file, cut into documents at <|endoftext|>; lines of JSON (.jsonl), "
    "{\"text\":...} or\n"
    "                    {\"prompt\":...,\"completion\":...} of which the completion is learnt; a "
    "folder "
    "of such files;\n"
    "                    packed tokens (.bin, of nanoGPT or llm.c; --packed u16, the default, or "
    "u32)\n"
    "  --tokenizer T     chars (default): the characters of the text; or a file: GGUF, "
    "tokenizer.json ...\n"
    "  --vocabulary N    of packed tokens without --tokenizer\n"
    "  --val PATH        text to measure on; else the last --val-fraction F of --data (default "
    "0.1)\n"
    "  --document-mask   attention and positions begin anew in each document\n"
    "\n"
    "network\n"
    "  --network NAME    gpt2 (default): learned positions, layer norms, gelu; llama: rope, RMS "
    "norms, swiglu\n"
    "  --layers N --width N --heads N    default 4, 128, 4\n"
    "  --context N       tokens that it sees at once (default 64)\n"
    "  --hidden N        of the feed-forward part (default: 4 widths; llama: 8/3)\n"
    "  --kv-heads N --untied             llama: fewer heads for keys and values; a head of its "
    "own\n"
    "  --dropout P       default 0\n"
    "  --from MODEL      go on from a gpt2 or llama: GGUF, a folder of Hugging Face; with its own "
    "tokenizer\n"
    "  --lora N          leave its weights as they are, train adapters of rank N beside them "
    "(alpha 2 N)\n"
    "\n"
    "training\n"
    "  --steps N         updates; 0 only measures        --seconds S  or so long; the rate follows "
    "the clock\n"
    "  --batch N         windows at once (default 12)    --accumulate N  ... and so many times a "
    "step\n"
    "  --optimizer O     adamw (default), muon, adam or sgd\n"
    "  --rate R          largest learning rate (default 0.001; muon 0.02)\n"
    "  --schedule S      cosine (default), linear or constant\n"
    "  --warmup N        steps of linear rise (default: 100, or a twentieth)\n"
    "  --floor F         last rate, part of --rate (default 0.1)\n"
    "  --decay D --beta2 B --momentum M --clip N (largest norm of the gradients; 0: any)\n"
    "  --bf16            multiply in bf16; sums, weights and states stay f32\n"
    "  --seed S          of weights, windows, dropout, samples (default 1)\n"
    "  --threads N       default: all cores; the result does not depend on it\n"
    "\n"
    "on the way\n"
    "  --val-every N     held-out loss every N steps (of at most 262144 tokens; at the end of "
    "all)\n"
    "  --sample-every N  some text of the model's own every N steps: --sample-tokens N (default "
    "200),\n"
    "                    --temperature T (default 0.8), --prompt TEXT\n"
    "\n"
    "files\n"
    "  --out FILE        write the model: .gguf (swell write, llama.cpp and all that is built on "
    "it) or\n"
    "                    .safetensors with the names of Hugging Face (called model.safetensors: "
    "with config.json\n"
    "                    and tokenizer.json beside it); adapters alone with --lora: .gguf, or "
    "PEFT's\n"
    "                    DIR/adapter_model.safetensors; --half: matrices in f16\n"
    "  --checkpoint FILE write everything that is needed to go on, at the end and on Ctrl-C\n"
    "  --every N         ... and every N steps\n"
    "  --resume FILE     go on from a checkpoint, to the same bits; with all other options as "
    "before,\n"
    "                    but for more steps, or fewer, where the schedule is constant\n"
    "  --curve FILE.svg  draw loss and rate\n"
    "  --log FILE.jsonl  a JSON object every 50 steps and for every held-out loss\n"
    "  --json            the same on standard output instead of the progress bar\n"
    "  --profile         say where the time of the steps went\n"
    "\n"
    "examples:\n"
    "  swell train gpt --data input.txt --steps 2000 --sample-every 500 --out model.gguf\n"
    "  swell train gpt --data books/ --tokenizer gpt2.gguf --layers 6 --width 384 --heads 6 "
    "--context 256 \\\n"
    "      --batch 64 --bf16 --dropout 0.2 --steps 5000 --checkpoint run.safetensors --every 250\n"
    "  swell train gpt --from model.gguf --data answers.jsonl --lora 8 --document-mask --steps 300 "
    "--out adapter.gguf\n";

static int run(const struct verb *verb, int argc, char **argv)
{
    struct gpt_job j = {.verb = verb};
    int status = gpt_flags_read(&j, argc, argv);
    if (status >= 0) return status;
    j.ctx = cli_context(verb, (int)(j.f.threads > 0 ? j.f.threads : 0), NULL);
    if (!j.ctx) return 1;
    status = gpt_load(&j);
    if (!status) status = gpt_data_open(&j);
    if (!status) status = gpt_save_check(&j);
    if (!status) status = gpt_build(&j);
    if (!status) status = gpt_train(&j);
    if (!status) status = gpt_finish(&j);
    if (!status) status = gpt_save(&j);
    if (!status) status = gpt_curve(&j);
    if (training_end(&j.run) && !status) status = 1;
    gpt_release(&j);
    return status;
}

const struct verb verb_train_gpt = {"train gpt", "learn to write", help, run};
