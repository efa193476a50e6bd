/* col2im: sums of the matrix's rows at the pixels that im2col took them from. */
#include "matrix/col2im.h"

#include "threads.h"

struct job {
    struct dk_im2col s;
    const float *columns;
    float *image;
};

static void add_channels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct job *a = args;
    const struct dk_im2col *s = &a->s;
    int64_t taps = s->ksize_h * s->ksize_w;
    (void)worker;
    for (int64_t k = begin * taps; k < end * taps; k++) {
        int64_t c = k / taps, i = k / s->ksize_w % s->ksize_h, j = k % s->ksize_w;
        int64_t at = j * s->dilation_w - s->pad_w;
        for (int64_t y = 0; y < s->out_h; y++) {
            int64_t sy = y * s->stride_h - s->pad_h + i * s->dilation_h;
            if (sy < 0 || sy >= s->height)
                continue;
            const float *in = a->columns + (k * s->out_h + y) * s->out_w;
            float *row = a->image + (c * s->height + sy) * s->width;
            for (int64_t x = 0; x < s->out_w; x++) {
                int64_t sx = x * s->stride_w + at;
                if (sx >= 0 && sx < s->width)
                    row[sx] += in[x];
            }
        }
    }
}

void dk_col2im(const struct dk_im2col *shape, const float *columns, float *image) {
    struct job args = {*shape, columns, image};
    dk_parallel_for(shape->channels, 1, add_channels, &args);
}

enum dk_status dk_col2im_cpu_ext(const float *columns, int64_t channels, int64_t height,
                                 int64_t width, int64_t ksize_h, int64_t ksize_w, int64_t pad_h,
                                 int64_t pad_w, int64_t stride_h, int64_t stride_w,
                                 int64_t dilation_h, int64_t dilation_w, float *image) {
    struct dk_im2col s = {channels, height,   width,      ksize_h,    ksize_w, pad_h, pad_w,
                          stride_h, stride_w, dilation_h, dilation_w, 0,       0};
    enum dk_status status = dk_im2col_size(&s);
    if (status != DK_OK)
        return status;
    if (!columns || !image)
        return DK_BAD_ARGUMENT;
    dk_col2im(&s, columns, image);
    return DK_OK;
}

enum dk_status dk_col2im_cpu(const float *columns, int64_t channels, int64_t height, int64_t width,
                             int64_t ksize, int64_t stride, int64_t pad, float *image) {
    return dk_col2im_cpu_ext(columns, channels, height, width, ksize, ksize, pad, pad, stride,
                             stride, 1, 1, image);
}
