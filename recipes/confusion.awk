# The confusion matrix that `swell train alexnet --confusion FILE.json` writes, as an SVG picture:
#
#     awk -f recipes/confusion.awk cifar10-confusion.json > cifar10-confusion.svg
#
# Rows are the truth, columns the answer; shares of a row are shades, counts are numbers.

function clean(text) { gsub(/[][{}"]/, "", text); return text }

{ all = all $0 }

END {
    side = 44; left = 110; top = 90
    match(all, /"labels":\[[^]]*\]/); labels = substr(all, RSTART + 9, RLENGTH - 9)
    n = split(clean(labels), name, ",")
    match(all, /"confusion":.*/); rows = substr(all, RSTART + 12)
    split(clean(rows), count, ",")
    width = left + n * side + 70; height = top + n * side + 30
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" ", width, height, width, height
    print "font-family=\"sans-serif\" font-size=\"12\">"
    printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height
    printf "<text x=\"8\" y=\"20\" font-size=\"14\">Rows: what it is. Columns: what the model says. Right: share of the row that is right.</text>\n"
    for (r = 1; r <= n; r++) {
        sum = 0
        for (c = 1; c <= n; c++) sum += count[(r - 1) * n + c]
        y = top + (r - 1) * side
        printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left - 8, y + side / 2 + 4, name[r]
        printf "<text transform=\"translate(%.1f,%d) rotate(-40)\">%s</text>\n", left + (r - 0.6) * side, top - 8, name[r]
        for (c = 1; c <= n; c++) {
            k = count[(r - 1) * n + c] + 0
            part = sum ? k / sum : 0
            # errors are few: their shade goes by the root, so that one in a hundred is seen
            shade = sqrt(part)
            ink = shade > 0.6 ? "#fff" : "#000"
            colour = r == c ? "#2e7d4f" : "#c0392b"
            x = left + (c - 1) * side
            printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\" fill-opacity=\"%.3f\" stroke=\"#ddd\"/>\n", x, y, side, side, colour, shade
            if (k) printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"%s\">%d</text>\n", x + side / 2, y + side / 2 + 4, ink, k
        }
        printf "<text x=\"%d\" y=\"%.1f\">%.1f %%</text>\n", left + n * side + 8, y + side / 2 + 4, sum ? 100 * count[(r - 1) * n + r] / sum : 0
    }
    print "</svg>"
}
