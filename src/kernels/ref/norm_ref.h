/* The second half of the reference norm kernels, for sw__norm_init_ref. */
#ifndef SWELL_NORM_REF_H
#define SWELL_NORM_REF_H

struct sw_kernels;

/* Softmax and losses (softmax_ref.c). */
void sw__softmax_init_ref(struct sw_kernels *k);

#endif
