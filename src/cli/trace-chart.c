/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charts of a trace's summary.
 */
#include <inttypes.h>

#include "cli/number.h"
#include "cli/trace-chart.h"

#define SERIES 8 /* colours that there are; what comes after them shares the last */

unsigned chart_series(unsigned place)
{
	return place < SERIES ? place : SERIES - 1;
}

/* 1, 2 or 5 times a power of ten, not below @value / @steps. */
static double round_step(double value, unsigned steps)
{
	double step = 1;

	while (step * 10 * steps <= value)
		step *= 10;
	if (step * steps >= value)
		return step;
	if (step * 2 * steps >= value)
		return step * 2;
	return step * 5 * steps >= value ? step * 5 : step * 10;
}

/* Over time: places in the picture. */
enum { TIME_WIDTH = 1000, TIME_HEIGHT = 260, LEFT = 64, TOP = 8, RIGHT = 990, BOTTOM = 232 };

/* Spans that there was anything in. */
static unsigned used_spans(const struct trace_summary *summary)
{
	uint64_t spans = (summary->last_ns - summary->first_ns) / summary->span_ns + 1;

	return spans < TRACE_SPANS ? (unsigned)spans : TRACE_SPANS;
}

/* The largest sum of a span's exits. */
static uint64_t most_in_span(const struct trace_summary *summary, unsigned spans)
{
	uint64_t most = 1;

	for (unsigned i = 0; i < spans; i++) {
		uint64_t sum = 0;

		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
			sum += summary->spans[i][kind];
		if (sum > most)
			most = sum;
	}
	return most;
}

/* A number of exits a second, with a letter for thousands. */
static void put_rate(double rate, FILE *out)
{
	if (rate >= 1e6)
		fprintf(out, "%.4g M/s", rate / 1e6);
	else if (rate >= 1e3)
		fprintf(out, "%.4g k/s", rate / 1e3);
	else
		fprintf(out, "%.4g/s", rate);
}

static void put_rate_axis(double top_rate, FILE *out)
{
	double step = round_step(top_rate, 5);
	unsigned steps = (unsigned)(top_rate * 1.0001 / step);

	for (unsigned i = 0; i <= steps; i++) {
		double rate = i * step, y = BOTTOM - (BOTTOM - TOP) * rate / top_rate;

		fprintf(out,
			"<path class=grid d=\"M%d %.1fH%d\"/><text x=%d y=\"%.1f\" "
			"text-anchor=end>",
			LEFT, y, RIGHT, LEFT - 6, y + 4);
		put_rate(rate, out);
		fputs("</text>\n", out);
	}
}

static void put_time_axis(double end_ns, FILE *out)
{
	double step = round_step(end_ns, 8);
	unsigned steps = (unsigned)(end_ns / step);
	char text[NUMBER_TEXT_SIZE];

	for (unsigned i = 0; i <= steps; i++)
		fprintf(out, "<text x=\"%.1f\" y=%d text-anchor=middle>%s</text>\n",
			LEFT + (RIGHT - LEFT) * i * step / end_ns, BOTTOM + 18,
			i ? format_duration((uint64_t)(i * step), text) : "0");
}

/* One kind's layer, on top of those below: a polygon of steps. */
static void put_layer(const struct trace_summary *summary, uint32_t kind, unsigned series,
		      unsigned spans, double scale, double *base, FILE *out)
{
	double width = (double)(RIGHT - LEFT) / spans;

	fprintf(out, "<path fill=\"var(--s%u)\" d=\"M%d %.1f", series, LEFT, BOTTOM - base[0]);
	for (unsigned i = 0; i < spans; i++)
		fprintf(out, "V%.1fH%.1f",
			BOTTOM - base[i] - (double)summary->spans[i][kind] * scale,
			LEFT + width * (i + 1));
	for (unsigned i = spans; i-- > 0;)
		fprintf(out, "V%.1fH%.1f", BOTTOM - base[i], LEFT + width * i);
	fprintf(out, "Z\"><title>%s</title></path>\n", ax_exit_name(kind));
	for (unsigned i = 0; i < spans; i++)
		base[i] += (double)summary->spans[i][kind] * scale;
}

static void put_key(const uint32_t *kinds, unsigned count, FILE *out)
{
	fputs("<div class=key>", out);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "<span><i style=\"background:var(--s%u)\"></i>%s</span>",
			chart_series(i), ax_exit_name(kinds[i]));
	fputs("</div>\n", out);
}

void chart_over_time(const struct trace_summary *summary, const uint32_t *kinds, unsigned count,
		     FILE *out)
{
	unsigned spans = used_spans(summary);
	double per_second = 1e9 / (double)summary->span_ns;
	double top_rate = (double)most_in_span(summary, spans) * per_second * 1.05;
	double scale = (BOTTOM - TOP) * per_second / top_rate, base[TRACE_SPANS] = { 0 };
	char text[NUMBER_TEXT_SIZE];

	fprintf(out,
		"<h2>Exits over time</h2>\n"
		"<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"exits over time\">\n",
		TIME_WIDTH, TIME_HEIGHT);
	put_rate_axis(top_rate, out);
	for (unsigned i = 0; i < count; i++)
		put_layer(summary, kinds[i], chart_series(i), spans, scale, base, out);
	put_time_axis((double)spans * (double)summary->span_ns, out);
	fputs("</svg>\n", out);
	put_key(kinds, count, out);
	fprintf(out, "<p class=soft>Each step is %s.</p>\n",
		format_duration(summary->span_ns, text));
}

/* Latencies: a row for each kind, durations to the right, each four times the one before. */
enum {
	ROW_WIDTH = 480,
	ROW_LEFT = 118,
	ROW_RIGHT = 470,
	ROW_HEIGHT = 46,
	FIRST_OCTAVE = 4, /* below 32 ns is the first bar */
	LAST_OCTAVE = 34, /* 17 seconds and more the last one */
	OCTAVES = LAST_OCTAVE - FIRST_OCTAVE + 1
};

/* How many took from 2^octave ns up to twice that. */
static void count_octaves(const struct histogram *histogram, uint64_t octaves[OCTAVES])
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		int octave = (int)(i / HISTOGRAM_STEPS) + HISTOGRAM_STEPS_LOG2 - 1;
		int place = octave - FIRST_OCTAVE;

		place = place < 0 ? 0 : place >= OCTAVES ? OCTAVES - 1 : place;
		octaves[place] += histogram->buckets[i];
	}
}

static void put_row(const struct histogram *histogram, uint32_t kind, unsigned place, int first,
		    int last, FILE *out)
{
	double width = (double)(ROW_RIGHT - ROW_LEFT) / (last - first + 1);
	double bottom = ROW_HEIGHT * (place + 1.0) - 4;
	uint64_t octaves[OCTAVES] = { 0 }, most = 1;

	count_octaves(histogram, octaves);
	for (int i = first; i <= last; i++)
		most = octaves[i] > most ? octaves[i] : most;
	fprintf(out,
		"<text x=%d y=\"%.0f\" text-anchor=end>%s</text>"
		"<path class=grid d=\"M%d %.1fH%d\"/>\n",
		ROW_LEFT - 8, bottom - 2, ax_exit_name(kind), ROW_LEFT, bottom, ROW_RIGHT);
	for (int i = first; i <= last; i++) {
		double height = (ROW_HEIGHT - 12) * (double)octaves[i] / (double)most;

		if (!octaves[i])
			continue;
		if (height < 1)
			height = 1;
		fprintf(out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
			"fill=\"var(--s%u)\"><title>%" PRIu64 "</title></rect>\n",
			ROW_LEFT + width * (i - first) + 0.5, bottom - height, width - 1, height,
			chart_series(place), octaves[i]);
	}
}

static void put_duration_axis(int first, int last, double y, FILE *out)
{
	double width = (double)(ROW_RIGHT - ROW_LEFT) / (last - first + 1);
	int step = (last - first) / 6 + 1;
	char text[NUMBER_TEXT_SIZE];

	for (int i = first; i <= last; i += step)
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=middle>%s</text>\n",
			ROW_LEFT + width * (i - first), y,
			i ? format_duration(UINT64_C(1) << (i + FIRST_OCTAVE), text) : "0");
}

/* The octaves that any of them has. */
static void find_ends(const struct histogram *histograms, const uint32_t *kinds, unsigned count,
		      int *first, int *last)
{
	*first = OCTAVES - 1;
	*last = 0;
	for (unsigned k = 0; k < count; k++) {
		uint64_t octaves[OCTAVES] = { 0 };

		count_octaves(&histograms[kinds[k]], octaves);
		for (int i = 0; i < OCTAVES; i++) {
			if (!octaves[i])
				continue;
			*first = i < *first ? i : *first;
			*last = i > *last ? i : *last;
		}
	}
}

void chart_latencies(const char *title, const struct histogram *histograms, const uint32_t *kinds,
		     unsigned count, FILE *out)
{
	int first, last;

	find_ends(histograms, kinds, count, &first, &last);
	if (first > last)
		return;
	fprintf(out,
		"<div><p class=soft>%s</p>\n"
		"<svg viewBox=\"0 0 %d %u\" role=img aria-label=\"%s\">\n",
		title, ROW_WIDTH, ROW_HEIGHT * count + 22, title);
	for (unsigned i = 0; i < count; i++)
		put_row(&histograms[kinds[i]], kinds[i], i, first, last, out);
	put_duration_axis(first, last, ROW_HEIGHT * count + 14.0, out);
	fputs("</svg></div>\n", out);
}
