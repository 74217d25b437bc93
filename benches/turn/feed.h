/* Frames that come in at an interface, as fast as one core can have them come. */
#ifndef FEED_H
#define FEED_H

#include <stddef.h>
#include <stdint.h>

/* What differs from flow to flow, or is written over on the way of a frame whose memory is used again: the heads of
 * Ethernet, IPv4 and UDP, and that of a channel. */
enum { FEED_HEAD = 48 };

struct feed {
    int program;
    int heads;
    int progress;
};

/* For so many flows; no more frames are under way than the window allows. */
void feed_open(struct feed *feed, unsigned flows, unsigned window);

/* Takes and counts what comes in at an interface of the namespace that this thread is in, until this process ends. */
void feed_take(const struct feed *feed, unsigned interface);
uint64_t feed_arrived(const struct feed *feed);

/* Sets the head of a flow's frames. */
void feed_head(const struct feed *feed, unsigned flow, const uint8_t *frame);

/* Tries so many times to have a frame come in at an interface of the namespace that this thread is in: the next flow's
 * head each, and the rest of `frame`. */
void feed_send(const struct feed *feed, unsigned interface, const uint8_t *frame, size_t length, unsigned count);

#endif
