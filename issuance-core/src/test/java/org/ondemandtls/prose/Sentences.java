package org.ondemandtls.prose;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The sentences of a Markdown text. Blocks of code and comments are left out; code within a line counts as one word.
 * Headings, list items and cells of tables stand alone.
 */
final class Sentences {

    private static final Pattern COMMENT = Pattern.compile("<!--.*?-->", Pattern.DOTALL);
    private static final Pattern CODE = Pattern.compile("`[^`]*`");
    private static final Pattern LINK = Pattern.compile("\\[([^\\]]*)\\]\\([^)]*\\)");
    private static final Pattern ITEM = Pattern.compile("^\\s*(?:[*-]|\\d+\\.)\\s+");
    private static final Pattern CELL = Pattern.compile("(?<!\\\\)\\|");
    private static final Pattern END = Pattern.compile("(?<=[.!?])[\"')*]*\\s+");
    private static final Pattern WORD = Pattern.compile("\\S*[\\p{L}\\p{N}]\\S*");

    private Sentences() {}

    /** The sentences of a text, in its order. */
    static List<String> of(String markdown) {
        List<String> sentences = new ArrayList<>();
        StringBuilder paragraph = new StringBuilder();
        boolean inCode = false;
        for (String line : COMMENT.matcher(markdown).replaceAll("").lines().toList()) {
            String bare = line.strip();
            if (bare.startsWith("```")) {
                inCode = !inCode;
                end(paragraph, sentences);
            } else if (inCode) {
                continue;
            } else if (bare.isEmpty()) {
                end(paragraph, sentences);
            } else if (bare.startsWith("#")) {
                end(paragraph, sentences);
                end(paragraph.append(bare.replaceFirst("^#+", "")), sentences);
            } else if (bare.startsWith("|")) {
                end(paragraph, sentences);
                CELL.splitAsStream(plain(bare)).forEach(cell -> end(paragraph.append(cell), sentences));
            } else {
                if (ITEM.matcher(line).find()) {
                    end(paragraph, sentences);
                }
                paragraph.append(ITEM.matcher(line).replaceFirst("").strip()).append(' ');
            }
        }
        end(paragraph, sentences);
        return sentences;
    }

    /** How many words a sentence has; dashes and arrows are none. */
    static long words(String sentence) {
        return WORD.matcher(sentence).results().count();
    }

    private static void end(StringBuilder paragraph, List<String> sentences) {
        END.splitAsStream(plain(paragraph.toString()))
                .map(String::strip)
                .filter(sentence -> words(sentence) > 0)
                .forEach(sentences::add);
        paragraph.setLength(0);
    }

    private static String plain(String text) {
        return LINK.matcher(CODE.matcher(text).replaceAll("CODE")).replaceAll("$1");
    }
}
