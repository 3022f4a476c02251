package org.ondemandtls.status;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Writes values as JSON (RFC 8259): records by their components, maps by their keys, enums in lower case; empty optionals as
 * null; everything else but numbers and truth values as text.
 */
public final class Json {

    private static final int FIRST_PRINTABLE = 0x20;

    private Json() {}

    /**
     * Writes a value.
     *
     * @param value a public record, map, collection, optional, number, truth value, or something with words for it
     * @return the JSON text, in one line
     */
    public static String of(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value instanceof Optional<?> optional) {
            if (optional.isPresent()) {
                write(optional.get(), out);
            } else {
                out.append("null");
            }
        } else if (value instanceof Number || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Map<?, ?> map) {
            char before = '{';
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(before);
                text(String.valueOf(entry.getKey()), out);
                out.append(':');
                write(entry.getValue(), out);
                before = ',';
            }
            out.append(before == '{' ? "{}" : "}");
        } else if (value instanceof Iterable<?> all) {
            char before = '[';
            for (Object one : all) {
                out.append(before);
                write(one, out);
                before = ',';
            }
            out.append(before == '[' ? "[]" : "]");
        } else if (value instanceof Record) {
            record(value, out);
        } else if (value instanceof Enum<?> constant) {
            text(constant.name().toLowerCase(Locale.ROOT), out);
        } else {
            text(String.valueOf(value), out);
        }
    }

    private static void record(Object value, StringBuilder out) {
        char before = '{';
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            out.append(before);
            text(component.getName(), out);
            out.append(':');
            try {
                write(component.getAccessor().invoke(value), out);
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalArgumentException("not a public record: " + value.getClass(), e);
            }
            before = ',';
        }
        out.append(before == '{' ? "{}" : "}");
    }

    private static void text(String text, StringBuilder out) {
        out.append('"');
        for (int at = 0; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < FIRST_PRINTABLE || c > '~' || c == '<' || c == '>' || c == '&') {
                out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
