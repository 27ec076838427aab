# What a deploy does is yours; this one keeps a list of what it was told to do.
set -eu
echo "$1 $2" >> deployed.txt
