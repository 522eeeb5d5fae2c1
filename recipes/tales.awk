# Documents from books, for recipes/tales.sh: the stories to measure on are read first, then books.
#     awk -f tales.awk HELD-OUT... books=1 BOOK...
# A paragraph becomes one line.  Titles, lists of contents and notes of the transcribers go; a heading begins a new
# document.  A paragraph that has twelve words in a row with a held-out story goes too: the measure stays honest.

function words_of(text,    n) {
    text = tolower(text); gsub(/[^a-z ]+/, " ", text)
    return split(text, word, " ")
}
function shingle(i,    s, k) {
    s = word[i]
    for (k = 1; k < 12; k++) s = s " " word[i + k]
    return s
}
function flush_document() {
    if (length(document) > 600) print document "<|endoftext|>"
    document = ""
}
function paragraph(text,    n, i) {
    gsub(/[ \t]+/, " ", text); sub(/^ /, "", text); sub(/ $/, "", text)
    gsub(/_/, "", text)
    if (text == "") return
    if (text ~ /Project Gutenberg|Distributed Proofreaders|Transcriber|[Ii]llustration|Produced by|\*\*\*|ISBN|Copyright/) return
    if (text ~ /^#/ || text !~ /[a-z]/ || text ~ /^(CHAPTER|Chapter|BOOK|PART) /) { flush_document(); return }
    if (text !~ /[.!?:;,"'-]$/ && length(text) < 70) return
    n = words_of(text)
    for (i = 1; i + 11 <= n; i++) if (shingle(i) in held_out) { dropped++; return }
    document = document text "\n\n"
    if (length(document) > 12000) flush_document()
}
{ sub(/\r$/, "") }
!books {
    if ($0 ~ /<\|endoftext\|>/) next
    n = words_of($0)
    for (i = 1; i <= n; i++) all[++held] = word[i]
    next
}
!ready {
    ready = 1
    for (i = 1; i + 11 <= held; i++) {
        s = all[i]
        for (k = 1; k < 12; k++) s = s " " all[i + k]
        held_out[s]
    }
    split("", all)
}
/<\|endoftext\|>/ { paragraph(text); text = ""; flush_document(); next }
/^[ \t]*$/ || /^#/ { paragraph(text); text = ""; if (/^#/) paragraph($0); next }
{ text = text " " $0 }
END { paragraph(text); flush_document(); print dropped + 0 " paragraphs of held-out stories left out" > "/dev/stderr" }
