package org.ondemandtls.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What went wrong with a file, in words: the JDK's own message is often the file's name and nothing else. */
final class FileTrouble {

    private FileTrouble() {}

    /** The same of one that came out of a stream of files. */
    static String inWords(UncheckedIOException trouble) {
        IOException cause = trouble.getCause();
        return cause == null ? String.valueOf(trouble.getMessage()) : inWords(cause);
    }

    /** One line for the operator. */
    static String inWords(IOException trouble) {
        if (trouble instanceof NoSuchFileException missing) {
            return missing.getFile() + " is not there";
        }
        if (trouble instanceof AccessDeniedException denied) {
            return denied.getFile() + " may not be used by this user; run the command as the user it belongs to";
        }
        if (trouble instanceof NotDirectoryException file) {
            return file.getFile() + " is not a directory";
        }
        if (trouble instanceof FileSystemException other && other.getReason() == null) {
            return other.getFile() + " cannot be used ("
                    + other.getClass().getSimpleName().replace("Exception", "") + ")";
        }
        if (trouble instanceof CharacterCodingException) {
            return "a file with a secret is not text in UTF-8";
        }
        String message = trouble.getMessage();
        return message == null ? trouble.getClass().getSimpleName() : message;
    }
}
