/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charts of a trace's summary, as SVG in a page: their colours are the page's variables --s0 to --s7.
 */
#ifndef AXVMM_CLI_TRACE_CHART_H
#define AXVMM_CLI_TRACE_CHART_H

#include "cli/trace-summary.h"

/* The colour of the kind that is the @place-th most frequent one. */
unsigned chart_series(unsigned place);

/* Exits over time, a layer for each kind. */
void chart_over_time(const struct trace_summary *summary, const uint32_t *kinds, unsigned count,
		     FILE *out);

/* Histograms of durations of AX_EXIT_KINDS kinds, those named one below the other. */
void chart_latencies(const char *title, const struct histogram *histograms, const uint32_t *kinds,
		     unsigned count, FILE *out);

#endif
