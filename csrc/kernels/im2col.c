#include "kernels/im2col.h"

#include "threads.h"

#include <string.h>

struct job {
    struct dk_im2col s;
    const float *image;
    float *columns;
};

/* Rows of the matrix: k = (c*ksize_h + i)*ksize_w + j. */
static void write_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct job *a = args;
    const struct dk_im2col *s = &a->s;
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t c = k / (s->ksize_h * s->ksize_w), i = k / s->ksize_w % s->ksize_h, j = k % s->ksize_w;
        int64_t at = j * s->dilation_w - s->pad_w;
        float *out = a->columns + k * s->out_h * s->out_w;
        for (int64_t y = 0; y < s->out_h; y++, out += s->out_w) {
            int64_t sy = y * s->stride_h - s->pad_h + i * s->dilation_h;
            if (sy < 0 || sy >= s->height) {
                memset(out, 0, sizeof(float) * (size_t)s->out_w);
                continue;
            }
            const float *row = a->image + (c * s->height + sy) * s->width;
            if (s->stride_w == 1) {
                /* x0 .. x1-1 lie inside. */
                int64_t x0 = DK_MIN(s->out_w, DK_MAX(0, -at));
                int64_t x1 = DK_MAX(x0, DK_MIN(s->out_w, s->width - at));
                memset(out, 0, sizeof(float) * (size_t)x0);
                if (x1 > x0)
                    memcpy(out + x0, row + at + x0, sizeof(float) * (size_t)(x1 - x0));
                memset(out + x1, 0, sizeof(float) * (size_t)(s->out_w - x1));
                continue;
            }
            for (int64_t x = 0; x < s->out_w; x++) {
                int64_t sx = x * s->stride_w + at;
                out[x] = sx >= 0 && sx < s->width ? row[sx] : 0;
            }
        }
    }
}

void dk_im2col(const struct dk_im2col *shape, const float *image, float *columns) {
    struct job args = {*shape, image, columns};
    dk_parallel_for(shape->channels * shape->ksize_h * shape->ksize_w,
                    DK_MAX(1, 8192 / (shape->out_h * shape->out_w)), write_rows, &args);
}

enum dk_status dk_im2col_size(struct dk_im2col *s) {
    if (s->channels < 1 || s->height < 1 || s->width < 1 || s->ksize_h < 1 || s->ksize_w < 1 || s->pad_h < 0 ||
        s->pad_w < 0 || s->stride_h < 1 || s->stride_w < 1 || s->dilation_h < 1 || s->dilation_w < 1)
        return DK_BAD_SHAPE;
    int64_t room_h = s->height + 2 * s->pad_h - s->dilation_h * (s->ksize_h - 1) - 1;
    int64_t room_w = s->width + 2 * s->pad_w - s->dilation_w * (s->ksize_w - 1) - 1;
    if (room_h < 0 || room_w < 0)
        return DK_BAD_SHAPE;
    s->out_h = room_h / s->stride_h + 1;
    s->out_w = room_w / s->stride_w + 1;
    return DK_OK;
}

enum dk_status dk_im2col_cpu_ext(const float *image, int64_t channels, int64_t height, int64_t width, int64_t ksize_h,
                                 int64_t ksize_w, int64_t pad_h, int64_t pad_w, int64_t stride_h, int64_t stride_w,
                                 int64_t dilation_h, int64_t dilation_w, float *columns) {
    struct dk_im2col s = {channels, height, width, ksize_h, ksize_w, pad_h, pad_w, stride_h, stride_w,
                          dilation_h, dilation_w, 0, 0};
    enum dk_status status = dk_im2col_size(&s);
    if (status != DK_OK)
        return status;
    if (!image || !columns)
        return DK_BAD_ARGUMENT;
    dk_im2col(&s, image, columns);
    return DK_OK;
}

enum dk_status dk_im2col_cpu(const float *image, int64_t channels, int64_t height, int64_t width, int64_t ksize,
                             int64_t stride, int64_t pad, float *columns) {
    return dk_im2col_cpu_ext(image, channels, height, width, ksize, ksize, pad, pad, stride, stride, 1, 1, columns);
}
