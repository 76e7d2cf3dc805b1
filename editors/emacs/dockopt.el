;;; dockopt.el --- dockopt in Emacs, with eglot  -*- lexical-binding: t -*-

;; For Emacs 28 with eglot 1.9 and dockerfile-mode, and newer ones.  Load it from the init file.
;; `eglot-code-actions' offers the quick fixes at point.
;;
;; M-x dockopt-patch shows the patch of the file, M-x dockopt-verify builds the file and its
;; rewrite where `dockopt-trusted' is set.

;;; Code:

(require 'eglot)

(defvar dockopt-trusted nil
  "Whether what is edited may be built.  Not safe as a variable of a file or a folder.")
(put 'dockopt-trusted 'risky-local-variable t)

(defun dockopt--contact (&optional _interactive)
  "Return how to start the server, in the form of `eglot-server-programs'."
  `("dockopt" "lsp" :initializationOptions
    (:trusted ,(if (default-value 'dockopt-trusted) t :json-false))))

(dolist (mode '(dockerfile-mode dockerfile-ts-mode))
  (add-to-list 'eglot-server-programs (cons mode #'dockopt--contact)))

(add-hook 'dockerfile-mode-hook #'eglot-ensure)
(add-hook 'dockerfile-ts-mode-hook #'eglot-ensure)

(defun dockopt--ask (command)
  "Return what the server answers to COMMAND for the current file."
  (let ((arguments (vector (list :uri (eglot--path-to-uri buffer-file-name)))))
    (jsonrpc-request (eglot-current-server) :workspace/executeCommand
                     (list :command command :arguments arguments)
                     :timeout 7200)))

(defun dockopt-patch ()
  "Show the patch that dockopt would make of the current file."
  (interactive)
  (let ((patch (dockopt--ask "dockopt.patch")))
    (with-current-buffer (get-buffer-create "*dockopt patch*")
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert patch)
        (diff-mode)
        (view-mode))
      (display-buffer (current-buffer)))))

(defun dockopt-verify ()
  "Build the current file, which is saved, and its rewrite, and say whether promises held."
  (interactive)
  (let ((answer (dockopt--ask "dockopt.verify")))
    (message "dockopt: %s"
             (pcase (plist-get answer :code)
               (0 "every promise held")
               (1 "a promise broke")
               (_ (mapconcat #'identity (plist-get answer :said) " "))))))

(provide 'dockopt)
;;; dockopt.el ends here
