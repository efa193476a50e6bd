/* im2col: the pixels under each tap of a kernel as a row of a matrix. */
#include "matrix/im2col.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

#include <string.h>

struct job {
    struct dk_im2col s;
    const float *image;
    float *columns;
    int is_streamed;
};

static void zeros(int64_t n, float *out) {
    memset(out, 0, sizeof(float) * (size_t)n);
}

/* What one row of the matrix, k = (c*ksize_h + i)*ksize_w + j, takes from the image. */
struct tap {
    const float *plane;
    int64_t down, right; /* pixel (y*stride_h + down, x*stride_w + right) for output (y, x) */
    int64_t x0, x1;      /* outputs x0 .. x1 - 1 of a row lie inside, for a stride of 1 */
    int64_t y0, y1;      /* outputs in rows y0 .. y1 - 1 lie inside */
};

/* Outputs in rows y .. last - 1 whose pixels lie inside the image's height. */
static void copy_rows(const struct dk_im2col *s, const struct tap *t, int64_t y, int64_t last,
                      float *out) {
    if (s->stride_w == 1 && s->stride_h == 1 && s->out_w == s->width && last > y) {
        /* Rows follow each other as in the image: one run, but for what hangs
         * over the image's edges. */
        const int64_t n = (last - y) * s->width, from = (y + t->down) * s->width + t->right;
        const int64_t begin = DK_MIN(n, DK_MAX(0, -from)),
                      end = DK_MAX(begin, DK_MIN(n, s->height * s->width - from));
        memcpy(out + begin, t->plane + from + begin, sizeof(float) * (size_t)(end - begin));
        for (int64_t r = 0; r < last - y; r++, out += s->width) {
            for (int64_t x = 0; x < t->x0; x++)
                out[x] = 0;
            for (int64_t x = t->x1; x < s->width; x++)
                out[x] = 0;
        }
        return;
    }
    for (; y < last; y++, out += s->out_w) {
        const float *row = t->plane + (y * s->stride_h + t->down) * s->width;
        if (s->stride_w == 1) {
            zeros(t->x0, out);
            if (t->x1 > t->x0)
                memcpy(out + t->x0, row + t->right + t->x0,
                       sizeof(float) * (size_t)(t->x1 - t->x0));
            zeros(s->out_w - t->x1, out + t->x1);
            continue;
        }
        for (int64_t x = 0; x < s->out_w; x++) {
            int64_t at = x * s->stride_w + t->right;
            out[x] = at >= 0 && at < s->width ? row[at] : 0;
        }
    }
}

static struct tap tap_of(const struct job *a, int64_t k) {
    const struct dk_im2col *s = &a->s;
    const int64_t c = k / (s->ksize_h * s->ksize_w), i = k / s->ksize_w % s->ksize_h,
                  j = k % s->ksize_w;
    struct tap t = {.plane = a->image + c * s->height * s->width,
                    .down = i * s->dilation_h - s->pad_h,
                    .right = j * s->dilation_w - s->pad_w};
    t.x0 = DK_MIN(s->out_w, DK_MAX(0, -t.right));
    t.x1 = DK_MAX(t.x0, DK_MIN(s->out_w, s->width - t.right));
    t.y0 = DK_MIN(s->out_h, (DK_MAX(0, -t.down) + s->stride_h - 1) / s->stride_h);
    t.y1 = t.down >= s->height ? 0 : (s->height - t.down + s->stride_h - 1) / s->stride_h;
    t.y1 = DK_MAX(t.y0, DK_MIN(s->out_h, t.y1));
    return t;
}

/* Outputs in rows y .. last - 1 of the image of outputs, of row k of the matrix. */
static void write_part(const struct job *a, int64_t k, int64_t y, int64_t last, float *out) {
    const struct dk_im2col *s = &a->s;
    const struct tap t = tap_of(a, k);
    const int64_t inside = DK_MIN(last, DK_MAX(y, t.y0)), end = DK_MIN(last, DK_MAX(inside, t.y1));
    zeros((inside - y) * s->out_w, out);
    copy_rows(s, &t, inside, end, out + (inside - y) * s->out_w);
    zeros((last - end) * s->out_w, out + (end - y) * s->out_w);
}

static void write_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct job *a = args;
    const int64_t height = a->s.out_h, width = a->s.out_w;
    const int is_streamed = a->is_streamed && width <= DK_SINK;
    const int64_t together = DK_MAX(1, DK_SINK / 4 / width);
    struct dk_sink sink;
    (void)worker;
    dk_sink_begin(&sink);
    for (int64_t k = begin; k < end; k++) {
        float *row = a->columns + k * height * width;
        if (!is_streamed)
            write_part(a, k, 0, height, row);
        for (int64_t y = 0, last; y < height && is_streamed; y = last) {
            last = DK_MIN(height, y + together);
            write_part(a, k, y, last, dk_sink_room(&sink, row + y * width));
            dk_sink_add(&sink, (last - y) * width);
        }
    }
    dk_sink_end(&sink);
}

/* The widest image of which whole rows are shifted in one go. */
enum { SHIFTED_WIDTH = 4096, MOST_LANES = 16 };

/* Rows of the matrix that are the image shifted, with zeros for what hangs over its edges: straight
 * from one memory to the other. */
static void shift_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct job *a = args;
    const struct dk_im2col *s = &a->s;
    const struct dk_blas_kernels *blas = &dk_kernels()->blas;
    const int64_t width = s->width;
    int32_t keep[SHIFTED_WIDTH + MOST_LANES];
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        const struct tap t = tap_of(a, k);
        float *out = a->columns + k * s->out_h * width;
        for (int64_t x = 0; x < width; x++)
            keep[x] = -(x >= t.x0 && x < t.x1);
        for (int64_t x = 0; x < MOST_LANES; x++)
            keep[width + x] = keep[x];
        const int64_t first = t.y0 * width, n = (t.y1 - t.y0) * width;
        const int64_t from = (t.y0 + t.down) * width + t.right;
        const int64_t head = DK_MIN(n, DK_MAX(0, -from)),
                      tail = DK_MAX(head, DK_MIN(n, s->height * width - from));
        blas->fill(first + head, 0, out);
        blas->stream_keep(tail - head, t.plane + from + head, keep, head, width,
                          out + first + head);
        blas->fill(s->out_h * width - first - tail, 0, out + first + tail);
    }
    blas->stream_end();
}

void dk_im2col(const struct dk_im2col *shape, const float *image, float *columns) {
    const int64_t taps = shape->ksize_h * shape->ksize_w, rows = shape->channels * taps;
    const int64_t pixels = shape->out_h * shape->out_w;
    struct job args = {*shape, image, columns, rows * pixels >= DK_STREAM_FROM};
    if (args.is_streamed && shape->stride_h == 1 && shape->stride_w == 1 &&
        shape->out_w == shape->width && shape->width <= SHIFTED_WIDTH) {
        const int64_t channels = DK_MAX(1, DK_STREAM_GRAIN / (taps * pixels));
        dk_parallel_for(rows, channels * taps, shift_rows, &args);
        return;
    }
    dk_parallel_for(rows, DK_MAX(1, 8192 / pixels), write_rows, &args);
}

enum dk_status dk_im2col_size(struct dk_im2col *s) {
    if (s->channels < 1 || s->height < 1 || s->width < 1 || s->ksize_h < 1 || s->ksize_w < 1 ||
        s->pad_h < 0 || s->pad_w < 0 || s->stride_h < 1 || s->stride_w < 1 || s->dilation_h < 1 ||
        s->dilation_w < 1)
        return DK_BAD_SHAPE;
    int64_t room_h = s->height + 2 * s->pad_h - s->dilation_h * (s->ksize_h - 1) - 1;
    int64_t room_w = s->width + 2 * s->pad_w - s->dilation_w * (s->ksize_w - 1) - 1;
    if (room_h < 0 || room_w < 0)
        return DK_BAD_SHAPE;
    s->out_h = room_h / s->stride_h + 1;
    s->out_w = room_w / s->stride_w + 1;
    return DK_OK;
}

enum dk_status dk_im2col_cpu_ext(const float *image, int64_t channels, int64_t height,
                                 int64_t width, int64_t ksize_h, int64_t ksize_w, int64_t pad_h,
                                 int64_t pad_w, int64_t stride_h, int64_t stride_w,
                                 int64_t dilation_h, int64_t dilation_w, float *columns) {
    struct dk_im2col s = {channels, height,   width,      ksize_h,    ksize_w, pad_h, pad_w,
                          stride_h, stride_w, dilation_h, dilation_w, 0,       0};
    enum dk_status status = dk_im2col_size(&s);
    if (status != DK_OK)
        return status;
    if (!image || !columns)
        return DK_BAD_ARGUMENT;
    dk_im2col(&s, image, columns);
    return DK_OK;
}

enum dk_status dk_im2col_cpu(const float *image, int64_t channels, int64_t height, int64_t width,
                             int64_t ksize, int64_t stride, int64_t pad, float *columns) {
    return dk_im2col_cpu_ext(image, channels, height, width, ksize, ksize, pad, pad, stride, stride,
                             1, 1, columns);
}
