/* What a Linux kernel says of extended attributes, for a machine whose only other program is busybox.
 *
 * xattr show PATH...                   path|name|value in hexadecimal digits, a line for each attribute
 * xattr set PATH NAME HEX COUNT        a value of COUNT times the bytes
 * xattr remove PATH NAME
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

static char names[65536], value[65536];

static int show(const char *path)
{
    ssize_t size = llistxattr(path, names, sizeof names);
    if (size < 0) {
        printf("%s|error\n", path);
        return 1;
    }
    for (char *name = names; name < names + size; name += strlen(name) + 1) {
        ssize_t length = lgetxattr(path, name, value, sizeof value);
        printf("%s|%s|", path, name);
        for (ssize_t i = 0; i < length; i++)
            printf("%02x", (unsigned char)value[i]);
        printf("\n");
    }
    return 0;
}

static int set(const char *path, const char *name, const char *hex, int count)
{
    size_t length = 0;
    for (; count > 0; count--)
        for (const char *digit = hex; *digit && length < sizeof value; digit += 2) {
            unsigned byte;
            sscanf(digit, "%2x", &byte);
            value[length++] = (char)byte;
        }
    int failed = lsetxattr(path, name, value, length, 0) != 0;
    if (failed)
        perror(path);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (!strcmp(argv[1], "set"))
        return set(argv[2], argv[3], argv[4], atoi(argv[5]));
    if (!strcmp(argv[1], "remove"))
        return lremovexattr(argv[2], argv[3]) != 0;
    for (int i = 2; i < argc; i++)
        failed |= show(argv[i]);
    return failed;
}
