# Makes wskeep.conf(5) of conf/README.md, which is written from the table of settings: there is no second text to keep.
# It knows of Markdown what stands there.

BEGIN {
    print ".TH WSKEEP.CONF 5 @DATE@ \"wskeep @VERSION@\""
    heading(".SH", "NAME")
    print "wskeep.conf \\- settings of wskeep"
    heading(".SH", "DESCRIPTION")
}

# What is to be seen as it stands.
function literal(s)
{
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    gsub(/'/, "\\(aq", s)
    gsub(/`/, "\\(ga", s)
    gsub(/\^/, "\\(ha", s)
    gsub(/~/, "\\(ti", s)
    return s
}

function bold(s)
{
    return "\\fB" s "\\fR"
}

# [text](link) and **text**.
function prose(s,    words)
{
    gsub(/\\/, "\\e", s)
    while (match(s, /\[[^]]*\]\([^)]*\)/)) {
        words = substr(s, RSTART + 1, RLENGTH - 1)
        sub(/\].*/, "", words)
        s = substr(s, 1, RSTART - 1) bold(words) substr(s, RSTART + RLENGTH)
    }
    while (match(s, /\*\*[^*]*\*\*/))
        s = substr(s, 1, RSTART - 1) bold(substr(s, RSTART + 2, RLENGTH - 4)) substr(s, RSTART + RLENGTH)
    return s
}

# A line that begins with a point or a quote would be a command.
function print_line(line)
{
    print (line ~ /^[.']/ ? "\\&" : "") line
}

# In lines of at most 80 columns.
function print_text(s,    part, word, n, i, line)
{
    n = split(s, part, "`")
    s = ""
    for (i = 1; i <= n; i++)
        s = s (i % 2 ? prose(part[i]) : bold(literal(part[i])))
    n = split(s, word, " ")
    line = word[1]
    for (i = 2; i <= n; i++) {
        if (length(line " " word[i]) < 80) {
            line = line " " word[i]
        } else {
            print_line(line)
            line = word[i]
        }
    }
    print_line(line)
}

# Each allows words to be torn anew; here many are names.
function heading(macro, s)
{
    print macro " " s "\n.nh"
    between = headed = 1
}

# Items of one list stand close.
function item(mark, s)
{
    print (between ? "" : ".PD 0\n") ".IP " mark (between ? "" : "\n.PD")
    print_text(s)
    between = headed = 0
}

/^```/ {
    fenced = !fenced
    print fenced ? ".PP\n.EX" : ".EE"
    between = headed = 0
    next
}
fenced { print_line(literal($0)); next }
/^$/ { between = 1; next }
/^<!--/ || /^# / { next }
/^## / { heading(".SH", toupper(substr($0, 4))); next }
/^### / { heading(".SS", substr($0, 5)); next }
/^- / { item("\\(bu 2", substr($0, 3)); next }
/^[0-9]+\. / { item($1 " 3", substr($0, length($1) + 2)); next }
{
    if (between && !headed)
        print ".PP"
    print_text($0)
    between = headed = 0
}
